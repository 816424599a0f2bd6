/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

static void appends_stand_one_behind_the_other(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_append(&buf, "a\0b", 3);
	buf_append_cstr(&buf, "cd");
	buf_append_char(&buf, 'e');
	buf_append(&buf, NULL, 0);
	assert_int_equal(buf_error(&buf), 0);
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "a\0bcde", 6);
}

static void numbers_are_decimal(void **state)
{
	static const struct {
		uint64_t value;
		const char *text;
	} rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf buf = {};
		buf_append_u64(&buf, rows[i].value);
		assert_string_equal(buf_cstr(&buf), rows[i].text);
	}
}

static void contents_survive_growth(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_append_char(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
}

static void printf_appends_and_terminator_does_not_count(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_append_cstr(&buf, "x=");
	buf_printf(&buf, "%d %s", 7, "y");
	assert_int_equal(buf.len, strlen("x=7 y"));
	assert_string_equal(buf_cstr(&buf), "x=7 y");
	assert_int_equal(buf.len, strlen("x=7 y"));
}

static void printf_longer_than_the_buffer_is_whole(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_printf(&buf, "%05000d", 1);
	assert_int_equal(buf.len, 5000);
	assert_int_equal(buf.data[4999], '1');
}

static void empty_buffer_is_an_empty_string(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	assert_int_equal(buf.len, 0);
}

static void reserve_makes_room_without_contents(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	assert_int_equal(buf_reserve(&buf, 1000), 0);
	assert_true(buf.cap >= 1000);
	assert_int_equal(buf.len, 0);
}

static void first_failure_is_kept_and_stops_appends(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_append_cstr(&buf, "a");
	assert_int_equal(buf_reserve(&buf, SIZE_MAX), -ENOMEM);
	buf_append_cstr(&buf, "b");
	buf_printf(&buf, "c");
	assert_int_equal(buf_error(&buf), -ENOMEM);
	assert_int_equal(buf.len, 1);
	assert_string_equal(buf_cstr(&buf), "");
}

static void clear_forgets_contents_and_error_and_keeps_memory(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_append_cstr(&buf, "abc");
	(void)buf_reserve(&buf, SIZE_MAX);
	char *data = buf.data;
	buf_clear(&buf);
	buf_append_cstr(&buf, "x");
	assert_int_equal(buf_error(&buf), 0);
	assert_ptr_equal(buf.data, data);
	assert_string_equal(buf_cstr(&buf), "x");
}

static void freed_buffer_can_be_used_again(void **state)
{
	_cleanup_buf_ struct buf buf = {};

	(void)state;
	buf_append_cstr(&buf, "abc");
	buf_free(&buf);
	buf_free(&buf);
	assert_null(buf.data);
	buf_append_cstr(&buf, "d");
	assert_string_equal(buf_cstr(&buf), "d");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_stand_one_behind_the_other),
		cmocka_unit_test(numbers_are_decimal),
		cmocka_unit_test(contents_survive_growth),
		cmocka_unit_test(printf_appends_and_terminator_does_not_count),
		cmocka_unit_test(printf_longer_than_the_buffer_is_whole),
		cmocka_unit_test(empty_buffer_is_an_empty_string),
		cmocka_unit_test(reserve_makes_room_without_contents),
		cmocka_unit_test(first_failure_is_kept_and_stops_appends),
		cmocka_unit_test(clear_forgets_contents_and_error_and_keeps_memory),
		cmocka_unit_test(freed_buffer_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
