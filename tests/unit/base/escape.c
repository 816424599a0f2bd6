/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/escape.h"

#define BYTES(literal) literal, sizeof(literal) - 1

struct row {
	const char *bytes;
	size_t n;
	const char *json;
};

static const struct row well_formed[] = {
	{BYTES(""), "\"\""},
	{BYTES("plain /text"), "\"plain /text\""},
	{BYTES("\"\\"), "\"\\\"\\\\\""},
	{BYTES("\n\t\x01\x1f\x7f"), "\"\\u000a\\u0009\\u0001\\u001f\\u007f\""},
	{BYTES("\xc2\x80\xc2\x9b\xc2\xa0\xdf\xbf"), "\"\\u0080\\u009b\xc2\xa0\xdf\xbf\""},
	{BYTES("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
	 "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""},
	{BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
};

#define REPLACEMENT "\xef\xbf\xbd"

static const struct row ill_formed[] = {
	/* a continuation alone, and bytes that never occur */
	{BYTES("\x80"), "\"" REPLACEMENT "\""},
	{BYTES("a\xff"
	       "b"),
	 "\"a" REPLACEMENT "b\""},
	{BYTES("\xf5\x80\x80\x80"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT "\""},
	/* forms that are not the shortest */
	{BYTES("\xc0\xaf"), "\"" REPLACEMENT REPLACEMENT "\""},
	{BYTES("\xe0\x9f\xbf"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT "\""},
	{BYTES("\xf0\x8f\xbf\xbf"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT "\""},
	/* a surrogate, and beyond U+10FFFF */
	{BYTES("\xed\xa0\x80"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT "\""},
	{BYTES("\xf4\x90\x80\x80"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT REPLACEMENT "\""},
	/* cut off, and gone on with a character of its own */
	{BYTES("\xe2\x82"), "\"" REPLACEMENT REPLACEMENT "\""},
	{BYTES("\xe2\x82"
	       "x"),
	 "\"" REPLACEMENT REPLACEMENT "x\""},
	{BYTES("\xf0\x90\x80"), "\"" REPLACEMENT REPLACEMENT REPLACEMENT "\""},
};

static void assert_json(const struct row *row)
{
	_cleanup_buf_ struct buf buf = {};

	json_append_string(&buf, row->bytes, row->n);
	assert_string_equal(buf_cstr(&buf), row->json);
}

static void well_formed_text_is_valid_and_kept(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(well_formed); i++) {
		assert_true(utf8_valid(well_formed[i].bytes, well_formed[i].n));
		assert_json(&well_formed[i]);
	}
}

static void ill_formed_bytes_are_invalid_and_replaced_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ill_formed); i++) {
		assert_false(utf8_valid(ill_formed[i].bytes, ill_formed[i].n));
		assert_json(&ill_formed[i]);
	}
}

static void nul_is_not_valid_but_has_an_escape(void **state)
{
	static const struct row row = {BYTES("a\0b"), "\"a\\u0000b\""};

	(void)state;
	assert_false(utf8_valid(row.bytes, row.n));
	assert_json(&row);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_text_is_valid_and_kept),
		cmocka_unit_test(ill_formed_bytes_are_invalid_and_replaced_one_by_one),
		cmocka_unit_test(nul_is_not_valid_but_has_an_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
