/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "metric/metric.h"

static const struct family families[] = {
	{.name = "runs_total",
	 .type = METRIC_COUNTER,
	 .help = "Runs.",
	 .labels = {"tool_id", "kind"},
	 .bounded = 1},
	{.name = "polls_total",
	 .type = METRIC_COUNTER,
	 .help = "Polls.",
	 .labels = {"workflow_id"},
	 .bounded = 1},
	{.name = "in_flight",
	 .type = METRIC_GAUGE,
	 .help = "Runs.",
	 .labels = {"tool_id"},
	 .bounded = 1},
};

enum { RUNS, POLLS, IN_FLIGHT };

static struct registry *new_registry(unsigned max_label_values)
{
	struct registry *registry = NULL;

	assert_int_equal(
		registry_new(families, ARRAY_SIZE(families), "", max_label_values, &registry), 0);
	return registry;
}

static const char *tool(struct registry *registry, const char *value)
{
	return registry_label_value(registry, "tool_id", value, strlen(value));
}

static void same_value_is_the_same_string(void **state)
{
	struct registry *registry = new_registry(10);
	const char *first = tool(registry, "a");

	(void)state;
	assert_string_equal(first, "a");
	assert_ptr_equal(tool(registry, "a"), first);
	assert_ptr_not_equal(tool(registry, "b"), first);
	registry_free(&registry);
}

static void value_ends_where_its_length_says(void **state)
{
	struct registry *registry = new_registry(10);

	(void)state;
	assert_string_equal(registry_label_value(registry, "tool_id", "abc", 2), "ab");
	registry_free(&registry);
}

static void values_beyond_the_limit_become_other_and_are_counted(void **state)
{
	struct registry *registry = new_registry(2);

	(void)state;
	assert_string_equal(tool(registry, "a"), "a");
	assert_string_equal(tool(registry, "b"), "b");
	assert_string_equal(tool(registry, "c"), "_other");
	assert_string_equal(tool(registry, "d"), "_other");
	assert_string_equal(tool(registry, "a"), "a");
	assert_int_equal(registry_overflows(registry, "tool_id"), 2);
	registry_free(&registry);
}

static void every_label_name_has_its_own_limit(void **state)
{
	struct registry *registry = new_registry(1);

	(void)state;
	assert_string_equal(tool(registry, "a"), "a");
	assert_string_equal(registry_label_value(registry, "workflow_id", "w", 1), "w");
	assert_string_equal(tool(registry, "b"), "_other");
	assert_int_equal(registry_overflows(registry, "tool_id"), 1);
	assert_int_equal(registry_overflows(registry, "workflow_id"), 0);
	assert_int_equal(registry_overflows(registry, "kind"), 0);
	registry_free(&registry);
}

static void a_limit_of_none_turns_every_value_away(void **state)
{
	struct registry *registry = new_registry(0);

	(void)state;
	assert_string_equal(tool(registry, "a"), "_other");
	assert_int_equal(registry_overflows(registry, "tool_id"), 1);
	registry_free(&registry);
}

static void other_and_invalid_do_not_count_toward_the_limit(void **state)
{
	struct registry *registry = new_registry(1);

	(void)state;
	assert_string_equal(tool(registry, "_other"), "_other");
	assert_string_equal(tool(registry, "_invalid"), "_invalid");
	assert_string_equal(tool(registry, ""), "_invalid");
	assert_string_equal(tool(registry, "a"), "a");
	assert_int_equal(registry_overflows(registry, "tool_id"), 0);
	registry_free(&registry);
}

static void malformed_values_become_invalid(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{"", 0},	 {NULL, 0},	   {"a\0b", 3},		{"\xff", 1},
		{"\xc0\xaf", 2}, {"a\xe2\x82", 3}, {"\xed\xa0\x80", 3},
	};
	struct registry *registry = new_registry(10);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(
			registry_label_value(registry, "tool_id", rows[i].bytes, rows[i].n),
			"_invalid");
	registry_free(&registry);
}

static void longest_value_is_128_bytes(void **state)
{
	struct registry *registry = new_registry(10);
	char value[METRIC_LABEL_BYTES + 2] = {};

	(void)state;
	memset(value, 'x', METRIC_LABEL_BYTES);
	assert_string_equal(tool(registry, value), value);
	value[METRIC_LABEL_BYTES] = 'x';
	assert_string_equal(tool(registry, value), "_invalid");
	registry_free(&registry);
}

static void table_keeps_every_value_as_it_grows(void **state)
{
	struct registry *registry = new_registry(5000);
	const char *first[5000];
	char value[16];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			(void)snprintf(value, sizeof(value), "tool-%d", i);
			const char *known = tool(registry, value);
			assert_string_equal(known, value);
			if (round == 0)
				first[i] = known;
			assert_ptr_equal(known, first[i]);
		}
	}
	assert_int_equal(registry_overflows(registry, "tool_id"), 0);
	registry_free(&registry);
}

static void series_of_values_beyond_the_limit_are_one(void **state)
{
	struct registry *registry = new_registry(1);
	struct series *a = registry_series(registry, IN_FLIGHT, (const char *[]){"a"});
	struct series *b = registry_series(registry, IN_FLIGHT, (const char *[]){"b"});

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(registry_series(registry, IN_FLIGHT, (const char *[]){"c"}), b);
	assert_ptr_equal(registry_series(registry, IN_FLIGHT, (const char *[]){"_other"}), b);
	assert_int_equal(registry_overflows(registry, "tool_id"), 2);
	registry_free(&registry);
}

static void series_differ_by_every_label(void **state)
{
	struct registry *registry = new_registry(10);
	struct series *series = registry_series(registry, RUNS, (const char *[]){"a", "bc"});

	(void)state;
	assert_ptr_equal(registry_series(registry, RUNS, (const char *[]){"a", "bc"}), series);
	assert_ptr_not_equal(registry_series(registry, RUNS, (const char *[]){"ab", "c"}), series);
	assert_ptr_not_equal(registry_series(registry, RUNS, (const char *[]){"a", ""}), series);
	assert_ptr_not_equal(registry_series(registry, IN_FLIGHT, (const char *[]){"a"}), series);
	registry_free(&registry);
}

static void closed_values_may_be_empty_but_not_malformed(void **state)
{
	struct registry *registry = new_registry(10);
	struct series *invalid = registry_series(registry, RUNS, (const char *[]){"a", "_invalid"});
	char value[METRIC_LABEL_BYTES + 2] = {};

	(void)state;
	memset(value, 'x', METRIC_LABEL_BYTES + 1);
	assert_ptr_equal(registry_series(registry, RUNS, (const char *[]){"a", "\xff"}), invalid);
	assert_ptr_equal(registry_series(registry, RUNS, (const char *[]){"a", value}), invalid);
	assert_ptr_not_equal(registry_series(registry, RUNS, (const char *[]){"a", ""}), invalid);
	registry_free(&registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_value_is_the_same_string),
		cmocka_unit_test(value_ends_where_its_length_says),
		cmocka_unit_test(values_beyond_the_limit_become_other_and_are_counted),
		cmocka_unit_test(every_label_name_has_its_own_limit),
		cmocka_unit_test(a_limit_of_none_turns_every_value_away),
		cmocka_unit_test(other_and_invalid_do_not_count_toward_the_limit),
		cmocka_unit_test(malformed_values_become_invalid),
		cmocka_unit_test(longest_value_is_128_bytes),
		cmocka_unit_test(table_keeps_every_value_as_it_grows),
		cmocka_unit_test(series_of_values_beyond_the_limit_are_one),
		cmocka_unit_test(series_differ_by_every_label),
		cmocka_unit_test(closed_values_may_be_empty_but_not_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
