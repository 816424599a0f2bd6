/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/families.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "metric/family.h"
#include "metric/number.h"

#define TOOL_SECONDS " 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30"
#define TOOL_BYTES " 100 1000 10000 100000 1e+06 1e+07"

/* The contract: name{labels} type unit, and a histogram's bounds in its unit. A * is an open label. */
static const char *const contract[] = {
	"runtime_tool_execute_seconds{tool_id*,outcome} histogram seconds" TOOL_SECONDS,
	"runtime_tool_errors_total{tool_id*,error_kind} counter",
	"runtime_tool_timeouts_total{tool_id*} counter",
	"runtime_bun_process_exits_total{status,code,signal} counter",
	"runtime_tool_output_bytes{tool_id*} histogram bytes" TOOL_BYTES,
	"runtime_tool_runs_in_flight{tool_id*} gauge",
	"runtime_tool_oldest_run_seconds{} gauge seconds",
	"runtime_tool_startup_seconds{tool_id*} histogram seconds" TOOL_SECONDS,
	"runtime_tool_cpu_seconds{tool_id*} histogram seconds" TOOL_SECONDS,
	"runtime_tool_main_thread_seconds_total{tool_id*,state} counter seconds",
	"runtime_tool_max_rss_bytes{tool_id*} histogram bytes"
	" 1e+07 2.5e+07 5e+07 1e+08 2.5e+08 5e+08 1e+09 2.5e+09",
	"runtime_tool_input_bytes{tool_id*} histogram bytes" TOOL_BYTES,
	"runtime_tool_stderr_bytes{tool_id*} histogram bytes" TOOL_BYTES,
	"runtime_bun_signals_total{signal,sender} counter",
	"bunscope_build_info{version,revision} gauge own",
	"bunscope_up{} gauge own",
	"bunscope_probe_info{family,hook,flavour,state} gauge own",
	"bunscope_runs_started_total{} counter own",
	"bunscope_runs_finished_total{} counter own",
	"bunscope_runs_lost_total{cause} counter own",
	"bunscope_runs_rescued_total{} counter own",
	"bunscope_map_entries{map} gauge own",
	"bunscope_map_capacity{map} gauge own",
	"bunscope_series_overflow_total{label} counter own",
	"bunscope_decode_errors_total{kind} counter own",
	"bunscope_denied_syscalls_total{} counter own",
	"bunscope_spans_total{state} counter own",
	"process_cpu_seconds_total{} counter seconds own",
	"process_open_fds{} gauge own",
	"process_max_fds{} gauge own",
	"process_resident_memory_bytes{} gauge bytes own",
	"process_virtual_memory_bytes{} gauge bytes own",
	"process_start_time_seconds{} gauge seconds own",
};

static void describe_labels(const struct family *family, struct buf *out)
{
	buf_append_char(out, '{');
	for (size_t i = 0; i < family_labels(family); i++)
		buf_printf(out, "%s%s%s", i ? "," : "", family->labels[i],
			   family->bounded & 1u << i ? "*" : "");
	buf_append_char(out, '}');
}

/* As in the contract. */
static void describe(const struct family *family, struct buf *out)
{
	static const char *const types[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};
	char bound[NUMBER_BYTES];

	buf_append_cstr(out, family->name);
	describe_labels(family, out);
	buf_printf(out, " %s", types[family->type]);
	if (family->unit && *family->unit)
		buf_printf(out, " %s", family->unit);
	if (family->own)
		buf_append_cstr(out, " own");
	for (size_t i = 0; i < family_buckets(family); i++) {
		char *end = number_write_bound(bound, family->buckets[i], family->scale, false);

		buf_printf(out, " %.*s", (int)(end - bound), bound);
	}
}

static const struct family *find(const char *line)
{
	size_t n = strcspn(line, "{");

	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		if (strlen(families[i].name) == n && strncmp(families[i].name, line, n) == 0)
			return &families[i];
	}
	fail_msg("missing: %s", line);
	return NULL;
}

static void families_are_those_of_the_contract(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++) {
		_cleanup_buf_ struct buf text = {};

		describe(find(contract[i]), &text);
		assert_string_equal(buf_cstr(&text), contract[i]);
	}
}

static void all_are_valid_with_any_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		assert_non_null(families[i].name);
		if (!family_valid(&families[i], "") || !family_valid(&families[i], "compozy_"))
			fail_msg("%s", families[i].name);
	}
}

static void names_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(families[i].name, families[j].name);
	}
}

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void only_the_agents_own_go_without_the_prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const char *name = families[i].name;

		assert_int_equal(families[i].own,
				 begins_with(name, "bunscope_") || begins_with(name, "process_"));
	}
}

static void help_is_one_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const char *help = families[i].help;

		assert_non_null(help);
		if (strlen(help) < 10 || help[strlen(help) - 1] != '.' || strchr(help, '\n'))
			fail_msg("%s: %s", families[i].name, help);
	}
}

/* Sums of seconds are exact because they are kept in nanoseconds. */
static void seconds_are_kept_in_nanoseconds_and_the_rest_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		bool seconds = families[i].unit && strcmp(families[i].unit, "seconds") == 0;

		assert_int_equal(families[i].scale, seconds ? 9 : 0);
	}
}

static void unit_is_in_the_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const char *unit = families[i].unit ?: "";

		assert_int_equal(strstr(families[i].name, "_seconds") != NULL,
				 strcmp(unit, "seconds") == 0);
		assert_int_equal(strstr(families[i].name, "_bytes") != NULL,
				 strcmp(unit, "bytes") == 0);
	}
}

static bool is_open_name(const char *label)
{
	return strcmp(label, "tool_id") == 0 || strcmp(label, "workflow_id") == 0;
}

static bool is_forbidden_name(const char *label)
{
	static const char *const names[] = {"pid", "path", "exe", "tool_exec_id", "exec_id", "le"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(label, names[i]) == 0)
			return true;
	}
	return false;
}

static void labels_from_outside_are_bounded_and_none_is_a_pid(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		size_t labels = family_labels(&families[i]);

		assert_int_equal(families[i].bounded >> labels, 0);
		for (size_t j = 0; j < labels; j++) {
			const char *label = families[i].labels[j];

			assert_int_equal(families[i].bounded >> j & 1, is_open_name(label));
			if (is_forbidden_name(label))
				fail_msg("%s: %s", families[i].name, label);
		}
	}
}

static void only_histograms_have_buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		assert_int_equal(family_buckets(&families[i]) > 0,
				 families[i].type == METRIC_HISTOGRAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_those_of_the_contract),
		cmocka_unit_test(all_are_valid_with_any_prefix),
		cmocka_unit_test(names_are_unique),
		cmocka_unit_test(only_the_agents_own_go_without_the_prefix),
		cmocka_unit_test(help_is_one_sentence),
		cmocka_unit_test(seconds_are_kept_in_nanoseconds_and_the_rest_whole),
		cmocka_unit_test(unit_is_in_the_name),
		cmocka_unit_test(labels_from_outside_are_bounded_and_none_is_a_pid),
		cmocka_unit_test(only_histograms_have_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
