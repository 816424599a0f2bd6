/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "span/ids.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

static void well_formed_ones_are_read(void **state)
{
	static const struct {
		const char *text;
		bool sampled;
	} cases[] = {
		{"00-" TRACE "-" PARENT "-01", true},
		{"00-" TRACE "-" PARENT "-00", false},
		{"00-" TRACE "-" PARENT "-03", true},
		{"00-" TRACE "-" PARENT "-fe", false},
		/* A later version, as long as what is known of it holds. */
		{"cc-" TRACE "-" PARENT "-01", true},
		{"cc-" TRACE "-" PARENT "-01-what-the-future-brings", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trace_context context;
		char hex[2 * TRACE_ID_BYTES + 1];

		assert_true(traceparent_read(cases[i].text, strlen(cases[i].text), &context));
		assert_int_equal(context.sampled, cases[i].sampled);
		id_hex(context.trace.bytes, TRACE_ID_BYTES, hex);
		assert_string_equal(hex, TRACE);
		id_hex(context.parent.bytes, SPAN_ID_BYTES, hex);
		assert_string_equal(hex, PARENT);
	}
}

static void malformed_ones_are_not(void **state)
{
	static const char *const cases[] = {
		"",
		"00",
		"00-" TRACE "-" PARENT "-0",
		"00-" TRACE "-" PARENT "-01-",
		"00-" TRACE "-" PARENT "-01-more",
		"00-" TRACE "-" PARENT "-012",
		"cc-" TRACE "-" PARENT "-012",
		"ff-" TRACE "-" PARENT "-01",
		"0-" TRACE "-" PARENT "-01x",
		"00-" TRACE "-" PARENT "-0x",
		"00_" TRACE "-" PARENT "-01",
		"00-" TRACE "_" PARENT "-01",
		"00-" TRACE "-" PARENT "_01",
		"00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
		"00-00000000000000000000000000000000-" PARENT "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-0af7651916cd43dd8448eb211c80319g-" PARENT "-01",
		"zz-" TRACE "-" PARENT "-01",
		" 00-" TRACE "-" PARENT "-01",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trace_context context = {.sampled = true};

		assert_false(traceparent_read(cases[i], strlen(cases[i]), &context));
		assert_true(context.sampled);
	}
}

static void bytes_behind_its_end_are_not_read(void **state)
{
	char text[] = "00-" TRACE "-" PARENT "-01";
	struct trace_context context;

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_false(traceparent_read(text, n, &context));
}

static void states_are_members_by_the_grammar(void **state)
{
	static const char *const valid[] = {
		"a=1",
		"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
		"a=1 , b=2",
		"\ta=1,,b=2,",
		"fw529a3039@dt=FfAxNzE5@x",
		"0tenant@system=v",
		"a_-*/0=x y!\"#~",
	};
	static const char *const invalid[] = {
		"",
		" ",
		",",
		"a",
		"=1",
		"a=",
		"A=1",
		"a=1=2",
		"0a=1",
		"a b=1",
		"a=1\x7f",
		"a=1\n,b=2",
		"@s=1",
		"t@=1",
		"t@0=1",
		"t@s@u=1",
		"t@abcdefghijklmno=1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		assert_true(tracestate_valid(valid[i], strlen(valid[i])));
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		assert_false(tracestate_valid(invalid[i], strlen(invalid[i])));
}

static void states_have_an_end(void **state)
{
	char text[TRACESTATE_BYTES + 2] = "a=";

	(void)state;
	memset(text + 2, 'x', TRACESTATE_BYTES - 2);
	assert_true(tracestate_valid(text, TRACESTATE_BYTES));
	assert_false(tracestate_valid(text, TRACESTATE_BYTES + 1));

	text[0] = '\0';
	for (int i = 0; i < 33; i++)
		strcat(text, i ? ",a=1" : "a=1");
	assert_false(tracestate_valid(text, strlen(text)));
	assert_true(tracestate_valid(text, strlen(text) - 4));
}

static void ids_are_not_zero_and_differ(void **state)
{
	struct ids ids, same;

	(void)state;
	ids_init(&ids, (const uint64_t[4]){});
	ids_init(&same, (const uint64_t[4]){});
	struct trace_id first = ids_trace(&ids), again = ids_trace(&same);
	assert_memory_equal(&first, &again, sizeof(first));
	for (int i = 0; i < 1000; i++) {
		struct trace_id next = ids_trace(&ids);
		struct span_id span = ids_span(&ids);

		assert_true(span_id_is_set(&span));
		assert_memory_not_equal(&first, &next, sizeof(first));
		first = next;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_ones_are_read),
		cmocka_unit_test(malformed_ones_are_not),
		cmocka_unit_test(bytes_behind_its_end_are_not_read),
		cmocka_unit_test(states_are_members_by_the_grammar),
		cmocka_unit_test(states_have_an_end),
		cmocka_unit_test(ids_are_not_zero_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
