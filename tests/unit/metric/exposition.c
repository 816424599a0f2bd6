/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "metric/metric.h"

#define COUNTER(name_, ...)                                                                        \
	{                                                                                          \
		.name = name_, .type = METRIC_COUNTER, .help = "Help.", __VA_ARGS__                \
	}
#define GAUGE(name_, ...)                                                                          \
	{                                                                                          \
		.name = name_, .type = METRIC_GAUGE, .help = "Help.", __VA_ARGS__                  \
	}
#define HISTOGRAM(name_, ...)                                                                      \
	{                                                                                          \
		.name = name_, .type = METRIC_HISTOGRAM, .help = "Help.", __VA_ARGS__              \
	}

static const char *const no_values[] = {NULL};

static struct registry *new_registry(const struct family *families, size_t count,
				     const char *prefix)
{
	struct registry *registry = NULL;

	assert_int_equal(registry_new(families, count, prefix, 10000, &registry), 0);
	return registry;
}

static void assert_written(const struct registry *registry, enum metric_format format,
			   const char *expected)
{
	_cleanup_buf_ struct buf out = {};

	registry_write(registry, format, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_cstr(&out), expected);
}

static void counter_keeps_total_in_the_samples_of_both_formats(void **state)
{
	static const struct family family =
		COUNTER("tool_cpu_seconds_total", .unit = "seconds", .scale = 9,
			.labels = {"tool_id", "state"}, .bounded = 1);
	struct registry *registry = new_registry(&family, 1, "");

	(void)state;
	series_add(registry_series(registry, 0, (const char *[]){"a", "cpu"}), 1500000000);
	series_add(registry_series(registry, 0, (const char *[]){"a", "cpu"}), 1);
	(void)registry_series(registry, 0, (const char *[]){"a", ""});
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP tool_cpu_seconds_total Help.\n"
		       "# TYPE tool_cpu_seconds_total counter\n"
		       "tool_cpu_seconds_total{tool_id=\"a\",state=\"cpu\"} 1.500000001\n"
		       "tool_cpu_seconds_total{tool_id=\"a\",state=\"\"} 0\n");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE tool_cpu_seconds counter\n"
		       "# UNIT tool_cpu_seconds seconds\n"
		       "# HELP tool_cpu_seconds Help.\n"
		       "tool_cpu_seconds_total{tool_id=\"a\",state=\"cpu\"} 1.500000001\n"
		       "tool_cpu_seconds_total{tool_id=\"a\",state=\"\"} 0\n"
		       "# EOF\n");
	assert_int_equal(registry_lines(registry), 2);
	registry_free(&registry);
}

static void gauge_without_labels_or_unit_has_neither(void **state)
{
	static const struct family family = GAUGE("up");
	struct registry *registry = new_registry(&family, 1, "");

	(void)state;
	series_set(registry_series(registry, 0, no_values), 5);
	series_set(registry_series(registry, 0, no_values), 1);
	assert_written(registry, METRIC_FORMAT_TEXT, "# HELP up Help.\n# TYPE up gauge\nup 1\n");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE up gauge\n# HELP up Help.\nup 1\n# EOF\n");
	registry_free(&registry);
}

static void histogram_is_cumulative_and_its_sum_exact(void **state)
{
	static const struct family family =
		HISTOGRAM("run_seconds", .unit = "seconds", .scale = 9, .labels = {"outcome"},
			  .buckets = {5000000, 1000000000, 2500000000});
	struct registry *registry = new_registry(&family, 1, "");
	struct series *series = registry_series(registry, 0, (const char *[]){"error"});

	(void)state;
	series_observe(series, 0);
	series_observe(series, 5000000);
	series_observe(series, 5000001);
	series_observe(series, 60000000000);
	assert_int_equal(series_value(series), 4);
	assert_int_equal(registry_lines(registry), 6);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP run_seconds Help.\n"
		       "# TYPE run_seconds histogram\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"0.005\"} 2\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"1\"} 3\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"2.5\"} 3\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"+Inf\"} 4\n"
		       "run_seconds_sum{outcome=\"error\"} 60.010000001\n"
		       "run_seconds_count{outcome=\"error\"} 4\n");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE run_seconds histogram\n"
		       "# UNIT run_seconds seconds\n"
		       "# HELP run_seconds Help.\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"0.005\"} 2\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"1.0\"} 3\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"2.5\"} 3\n"
		       "run_seconds_bucket{outcome=\"error\",le=\"+Inf\"} 4\n"
		       "run_seconds_sum{outcome=\"error\"} 60.010000001\n"
		       "run_seconds_count{outcome=\"error\"} 4\n"
		       "# EOF\n");
	registry_free(&registry);
}

/* The newest of each bucket; OpenMetrics alone has a place for them. */
static void exemplars_stand_behind_their_buckets(void **state)
{
	static const struct family family = HISTOGRAM("wait_seconds", .unit = "seconds", .scale = 9,
						      .buckets = {10000000, 1000000000});
	struct registry *registry = new_registry(&family, 1, "");
	struct series *series = registry_series(registry, 0, no_values);

	(void)state;
	series_observe(series, 10000000);
	series_exemplar(series, 10000000, "trace_id=\"a\"", 1700000000123456789);
	series_observe(series, 2000000000);
	series_exemplar(series, 2000000000, "trace_id=\"b\"", 1700000001000000000);
	series_observe(series, 3000000000);
	series_exemplar(series, 3000000000, "trace_id=\"c\",span_id=\"d\"", 1700000002000000000);
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE wait_seconds histogram\n"
		       "# UNIT wait_seconds seconds\n"
		       "# HELP wait_seconds Help.\n"
		       "wait_seconds_bucket{le=\"0.01\"} 1 # {trace_id=\"a\"} 0.01 "
		       "1700000000.123456789\n"
		       "wait_seconds_bucket{le=\"1.0\"} 1\n"
		       "wait_seconds_bucket{le=\"+Inf\"} 3 # {trace_id=\"c\",span_id=\"d\"} 3 "
		       "1700000002\n"
		       "wait_seconds_sum 5.01\n"
		       "wait_seconds_count 3\n"
		       "# EOF\n");
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP wait_seconds Help.\n"
		       "# TYPE wait_seconds histogram\n"
		       "wait_seconds_bucket{le=\"0.01\"} 1\n"
		       "wait_seconds_bucket{le=\"1\"} 1\n"
		       "wait_seconds_bucket{le=\"+Inf\"} 3\n"
		       "wait_seconds_sum 5.01\n"
		       "wait_seconds_count 3\n");
	registry_free(&registry);
}

/* Under ASan: what is reserved holds the longest of them, in every bucket of every series. */
static void longest_exemplars_fit_what_was_reserved(void **state)
{
	static const struct family family =
		HISTOGRAM("h", .scale = 9, .labels = {"l"}, .buckets = {1, 2, 3});
	struct registry *registry = new_registry(&family, 1, "");
	char labels[METRIC_EXEMPLAR_BYTES + 1] = "";
	_cleanup_buf_ struct buf out = {};

	(void)state;
	memset(labels, 'x', METRIC_EXEMPLAR_BYTES);
	for (int i = 0; i < 20; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "%d", i);
		struct series *series = registry_series(registry, 0, (const char *[]){name});
		for (uint64_t value = 1; value <= 3; value++)
			series_exemplar(series, value, labels, UINT64_MAX);
		series_exemplar(series, UINT64_MAX, labels, UINT64_MAX);
	}
	registry_write(registry, METRIC_FORMAT_OPENMETRICS, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_true(out.len > 20 * 4 * METRIC_EXEMPLAR_BYTES && out.len <= out.cap);
	registry_free(&registry);
}

static void histogram_without_labels_has_only_le(void **state)
{
	static const struct family family =
		HISTOGRAM("run_bytes", .unit = "bytes", .buckets = {100, 1000000});
	struct registry *registry = new_registry(&family, 1, "");

	(void)state;
	series_observe(registry_series(registry, 0, no_values), 1000);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP run_bytes Help.\n"
		       "# TYPE run_bytes histogram\n"
		       "run_bytes_bucket{le=\"100\"} 0\n"
		       "run_bytes_bucket{le=\"1e+06\"} 1\n"
		       "run_bytes_bucket{le=\"+Inf\"} 1\n"
		       "run_bytes_sum 1000\n"
		       "run_bytes_count 1\n");
	registry_free(&registry);
}

static void quotes_newlines_and_backslashes_are_escaped(void **state)
{
	static const struct family family = {.name = "up",
					     .type = METRIC_GAUGE,
					     .help = "A \"b\"\nc\\d",
					     .labels = {"tool_id"},
					     .bounded = 1};
	struct registry *registry = new_registry(&family, 1, "");

	(void)state;
	(void)registry_series(registry, 0, (const char *[]){"a\"b\nc\\d\xe2\x82\xac\t"});
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP up A \"b\"\\nc\\\\d\n"
		       "# TYPE up gauge\n"
		       "up{tool_id=\"a\\\"b\\nc\\\\d\xe2\x82\xac\t\"} 0\n");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE up gauge\n"
		       "# HELP up A \\\"b\\\"\\nc\\\\d\n"
		       "up{tool_id=\"a\\\"b\\nc\\\\d\xe2\x82\xac\t\"} 0\n"
		       "# EOF\n");
	registry_free(&registry);
}

static void prefix_goes_before_names_that_are_not_own(void **state)
{
	static const struct family families[] = {
		COUNTER("runs_total"),
		GAUGE("bunscope_up", .own = true),
		HISTOGRAM("run_bytes", .buckets = {1}),
	};
	struct registry *registry = new_registry(families, ARRAY_SIZE(families), "compozy_");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		(void)registry_series(registry, i, no_values);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP compozy_runs_total Help.\n"
		       "# TYPE compozy_runs_total counter\n"
		       "compozy_runs_total 0\n"
		       "# HELP bunscope_up Help.\n"
		       "# TYPE bunscope_up gauge\n"
		       "bunscope_up 0\n"
		       "# HELP compozy_run_bytes Help.\n"
		       "# TYPE compozy_run_bytes histogram\n"
		       "compozy_run_bytes_bucket{le=\"1\"} 0\n"
		       "compozy_run_bytes_bucket{le=\"+Inf\"} 0\n"
		       "compozy_run_bytes_sum 0\n"
		       "compozy_run_bytes_count 0\n");
	registry_free(&registry);
}

static void family_without_series_has_its_comments(void **state)
{
	static const struct family families[] = {COUNTER("a_total"), GAUGE("b")};
	struct registry *registry = new_registry(families, ARRAY_SIZE(families), "");

	(void)state;
	assert_written(
		registry, METRIC_FORMAT_TEXT,
		"# HELP a_total Help.\n# TYPE a_total counter\n# HELP b Help.\n# TYPE b gauge\n");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS,
		       "# TYPE a counter\n# HELP a Help.\n# TYPE b gauge\n# HELP b Help.\n# EOF\n");
	assert_int_equal(registry_lines(registry), 0);
	registry_free(&registry);
}

static void hidden_family_is_left_out(void **state)
{
	static const struct family families[] = {GAUGE("jobs"), GAUGE("depth")};
	struct registry *registry = new_registry(families, 2, "");

	(void)state;
	series_set(registry_series(registry, 0, no_values), 1);
	series_set(registry_series(registry, 1, no_values), 2);
	registry_hide(registry, 0);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP depth Help.\n"
		       "# TYPE depth gauge\n"
		       "depth 2\n");
	registry_free(&registry);
}

static void registry_without_families_is_empty(void **state)
{
	struct registry *registry = new_registry(NULL, 0, "");

	(void)state;
	assert_written(registry, METRIC_FORMAT_TEXT, "");
	assert_written(registry, METRIC_FORMAT_OPENMETRICS, "# EOF\n");
	registry_free(&registry);
}

static void series_stand_in_creation_order(void **state)
{
	static const struct family family = GAUGE("g", .labels = {"l"});
	struct registry *registry = new_registry(&family, 1, "");

	(void)state;
	(void)registry_series(registry, 0, (const char *[]){"z"});
	(void)registry_series(registry, 0, (const char *[]){"a"});
	(void)registry_series(registry, 0, (const char *[]){"z"});
	(void)registry_series(registry, 0, (const char *[]){"m"});
	assert_written(
		registry, METRIC_FORMAT_TEXT,
		"# HELP g Help.\n# TYPE g gauge\ng{l=\"z\"} 0\ng{l=\"a\"} 0\ng{l=\"m\"} 0\n");
	registry_free(&registry);
}

static void zeroing_a_gauge_family_leaves_others_alone(void **state)
{
	static const struct family families[] = {GAUGE("a", .labels = {"l"}), GAUGE("b")};
	struct registry *registry = new_registry(families, ARRAY_SIZE(families), "");
	struct series *x = registry_series(registry, 0, (const char *[]){"x"});
	struct series *y = registry_series(registry, 0, (const char *[]){"y"});
	struct series *other = registry_series(registry, 1, no_values);

	(void)state;
	series_set(x, 1);
	series_set(y, 2);
	series_set(other, 3);
	registry_zero(registry, 0);
	assert_int_equal(series_value(x), 0);
	assert_int_equal(series_value(y), 0);
	assert_int_equal(series_value(other), 3);
	registry_free(&registry);
}

/* Its room is given back, and a series made anew begins at 0. */
static void cleared_family_begins_anew(void **state)
{
	static const struct family families[] = {
		{"things", METRIC_GAUGE, .help = "Things.", .labels = {"kind"}},
		{"others", METRIC_GAUGE, .help = "Others."},
	};
	static const char *const a[] = {"a"}, *const b[] = {"b"};
	_cleanup_(registry_free) struct registry *registry = NULL;

	(void)state;
	assert_int_equal(registry_new(families, 2, "", 10, &registry), 0);
	series_set(registry_series(registry, 1, NULL), 5);
	size_t lines = registry_lines(registry);
	for (int i = 0; i < 3; i++) {
		series_set(registry_series(registry, 0, a), 1);
		series_set(registry_series(registry, 0, b), 2);
		registry_clear(registry, 0);
		assert_int_equal(registry_lines(registry), lines);
	}
	(void)registry_series(registry, 0, b);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP things Things.\n"
		       "# TYPE things gauge\n"
		       "things{kind=\"b\"} 0\n"
		       "# HELP others Others.\n"
		       "# TYPE others gauge\n"
		       "others 5\n");
}

static void biggest_values_are_printed_whole(void **state)
{
	static const struct family families[] = {
		GAUGE("a"),
		COUNTER("b_total", .scale = 9),
		HISTOGRAM("c", .buckets = {UINT64_MAX - 1}),
	};
	struct registry *registry = new_registry(families, ARRAY_SIZE(families), "");

	(void)state;
	series_set(registry_series(registry, 0, no_values), UINT64_MAX);
	series_set(registry_series(registry, 1, no_values), UINT64_MAX);
	series_observe(registry_series(registry, 2, no_values), UINT64_MAX);
	assert_written(registry, METRIC_FORMAT_TEXT,
		       "# HELP a Help.\n"
		       "# TYPE a gauge\n"
		       "a 18446744073709551615\n"
		       "# HELP b_total Help.\n"
		       "# TYPE b_total counter\n"
		       "b_total 18446744073.709551615\n"
		       "# HELP c Help.\n"
		       "# TYPE c histogram\n"
		       "c_bucket{le=\"1.8446744073709551614e+19\"} 0\n"
		       "c_bucket{le=\"+Inf\"} 1\n"
		       "c_sum 18446744073709551615\n"
		       "c_count 1\n");
	registry_free(&registry);
}

/* ASan watches the space that is reserved once: all heads, bounds and numbers as long as they get.
 */
static void longest_lines_fit_what_was_reserved(void **state)
{
	static const struct family family =
		HISTOGRAM("c", .labels = {"a", "b", "c", "d"}, .bounded = 15, .scale = 9,
			  .buckets = {UINT64_MAX - 3, UINT64_MAX - 2, UINT64_MAX - 1, UINT64_MAX});
	struct registry *registry = new_registry(&family, 1, "");
	_cleanup_buf_ struct buf out = {};
	char value[METRIC_LABEL_BYTES + 1] = {};

	(void)state;
	for (int i = 0; i < 100; i++) {
		memset(value, '"', METRIC_LABEL_BYTES - i);
		value[METRIC_LABEL_BYTES - i] = '\0';
		series_observe(
			registry_series(registry, 0, (const char *[]){value, value, value, value}),
			UINT64_MAX);
	}
	registry_write(registry, METRIC_FORMAT_OPENMETRICS, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_true(out.len < out.cap);
	assert_int_equal(registry_lines(registry), 700);
	registry_free(&registry);
}

static void thousands_of_series_keep_their_values(void **state)
{
	static const struct family family = COUNTER("n_total", .labels = {"tool_id"}, .bounded = 1);
	struct registry *registry = new_registry(&family, 1, "");
	_cleanup_buf_ struct buf expected = {};
	char value[16];

	(void)state;
	buf_append_cstr(&expected, "# HELP n_total Help.\n# TYPE n_total counter\n");
	for (uint64_t i = 0; i < 8000; i++) {
		(void)snprintf(value, sizeof(value), "%u", (unsigned)(i % 4000));
		series_add(registry_series(registry, 0, (const char *[]){value}), i);
	}
	for (uint64_t i = 0; i < 4000; i++)
		buf_printf(&expected, "n_total{tool_id=\"%u\"} %u\n", (unsigned)i,
			   (unsigned)(i + i + 4000));
	assert_written(registry, METRIC_FORMAT_TEXT, buf_cstr(&expected));
	registry_free(&registry);
}

static void write_appends_to_what_is_there(void **state)
{
	static const struct family family = GAUGE("a");
	struct registry *registry = new_registry(&family, 1, "");
	_cleanup_buf_ struct buf out = {};

	(void)state;
	(void)registry_series(registry, 0, no_values);
	buf_append_cstr(&out, "before\n");
	registry_write(registry, METRIC_FORMAT_TEXT, &out);
	assert_string_equal(buf_cstr(&out), "before\n# HELP a Help.\n# TYPE a gauge\na 0\n");
	registry_free(&registry);
}

static void write_does_nothing_to_a_failed_buffer(void **state)
{
	static const struct family family = GAUGE("a");
	struct registry *registry = new_registry(&family, 1, "");
	struct buf out = {.error = -ENOMEM};

	(void)state;
	registry_write(registry, METRIC_FORMAT_TEXT, &out);
	assert_int_equal(buf_error(&out), -ENOMEM);
	assert_int_equal(out.len, 0);
	registry_free(&registry);
}

static void illegal_families_are_refused(void **state)
{
	static const struct family families[] = {
		COUNTER("runs"),
		COUNTER("_total", .unit = "total"),
		GAUGE("1st"),
		GAUGE("a-b"),
		GAUGE(""),
		GAUGE("a_seconds", .unit = "bytes"),
		GAUGE("aseconds", .unit = "seconds"),
		COUNTER("a_total_seconds", .unit = "seconds"),
		GAUGE("a", .labels = {"b:c"}),
		GAUGE("a", .labels = {"b"}, .bounded = 2),
		GAUGE("a", .scale = 20),
		GAUGE("a", .buckets = {1}),
		HISTOGRAM("a", .buckets = {1, 1}),
		HISTOGRAM("a", .buckets = {2, 1}),
		{.name = "a", .type = METRIC_GAUGE},
	};
	struct registry *registry = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		assert_int_equal(registry_new(&families[i], 1, "", 1, &registry), -EINVAL);
		assert_null(registry);
	}
}

static void illegal_prefix_is_refused(void **state)
{
	static const struct family families[] = {HISTOGRAM("a", .buckets = {1}), GAUGE("b")};
	struct registry *registry = NULL;

	(void)state;
	assert_int_equal(registry_new(families, 2, "9_", 1, &registry), -EINVAL);
	assert_int_equal(registry_new(families, 2, "a b", 1, &registry), -EINVAL);
	assert_null(registry);
}

static void free_takes_null_and_leaves_null(void **state)
{
	static const struct family family = GAUGE("a");
	struct registry *registry = NULL;

	(void)state;
	registry_free(&registry);
	registry = new_registry(&family, 1, "");
	registry_free(&registry);
	assert_null(registry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_keeps_total_in_the_samples_of_both_formats),
		cmocka_unit_test(gauge_without_labels_or_unit_has_neither),
		cmocka_unit_test(histogram_is_cumulative_and_its_sum_exact),
		cmocka_unit_test(exemplars_stand_behind_their_buckets),
		cmocka_unit_test(longest_exemplars_fit_what_was_reserved),
		cmocka_unit_test(histogram_without_labels_has_only_le),
		cmocka_unit_test(quotes_newlines_and_backslashes_are_escaped),
		cmocka_unit_test(prefix_goes_before_names_that_are_not_own),
		cmocka_unit_test(family_without_series_has_its_comments),
		cmocka_unit_test(hidden_family_is_left_out),
		cmocka_unit_test(registry_without_families_is_empty),
		cmocka_unit_test(series_stand_in_creation_order),
		cmocka_unit_test(zeroing_a_gauge_family_leaves_others_alone),
		cmocka_unit_test(cleared_family_begins_anew),
		cmocka_unit_test(biggest_values_are_printed_whole),
		cmocka_unit_test(longest_lines_fit_what_was_reserved),
		cmocka_unit_test(thousands_of_series_keep_their_values),
		cmocka_unit_test(write_appends_to_what_is_there),
		cmocka_unit_test(write_does_nothing_to_a_failed_buffer),
		cmocka_unit_test(illegal_families_are_refused),
		cmocka_unit_test(illegal_prefix_is_refused),
		cmocka_unit_test(free_takes_null_and_leaves_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
