/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "metric/varint.h"

enum { SECONDS, ERRORS, BYTES, IN_FLIGHT, FAMILIES };

static const struct family families[FAMILIES] = {
	[SECONDS] = {.name = "seconds",
		     .type = METRIC_HISTOGRAM,
		     .help = "Help.",
		     .scale = 3,
		     .labels = {"tool"},
		     .bounded = 1,
		     .buckets = {100, 2500}},
	[ERRORS] = {.name = "errors_total",
		    .type = METRIC_COUNTER,
		    .help = "Help.",
		    .labels = {"tool", "kind"},
		    .bounded = 1},
	[BYTES] = {.name = "bytes",
		   .type = METRIC_HISTOGRAM,
		   .help = "Help.",
		   .labels = {"tool"},
		   .bounded = 1,
		   .buckets = {10}},
	[IN_FLIGHT] = {.name = "in_flight",
		       .type = METRIC_GAUGE,
		       .help = "Help.",
		       .labels = {"tool"},
		       .bounded = 1},
};

static const struct history_family kept[] = {
	{SECONDS, HISTORY_EACH},
	{ERRORS, HISTORY_SUMMED},
	{BYTES, HISTORY_SUMMED | HISTORY_NO_BUCKETS},
	{IN_FLIGHT, HISTORY_SUMMED},
};

#define HEAD                                                                                       \
	"\"families\":["                                                                           \
	"{\"name\":\"seconds\",\"type\":\"histogram\",\"scale\":3,\"labels\":[\"tool\"],"          \
	"\"bounds\":[0.1,2.5]},"                                                                   \
	"{\"name\":\"errors_total\",\"type\":\"counter\",\"scale\":0,\"labels\":[\"kind\"],"       \
	"\"bounds\":[]},"                                                                          \
	"{\"name\":\"bytes\",\"type\":\"histogram\",\"scale\":0,\"labels\":[],\"bounds\":[]},"     \
	"{\"name\":\"in_flight\",\"type\":\"gauge\",\"scale\":0,\"labels\":[],\"bounds\":[]}]"

struct fixture {
	struct registry *registry;
	struct history *history;
};

static struct series *series_of(struct fixture *fixture, size_t index, const char *tool,
				const char *kind)
{
	return registry_series(fixture->registry, index, (const char *[]){tool, kind});
}

static void setup(struct fixture *fixture)
{
	assert_int_equal(registry_new(families, FAMILIES, "", 10000, &fixture->registry), 0);
	/* What was there before is not a change. */
	series_observe(series_of(fixture, SECONDS, "old", NULL), 50);
	assert_int_equal(history_new(fixture->registry, kept, ARRAY_SIZE(kept), &fixture->history),
			 0);
}

static void teardown(struct fixture *fixture)
{
	history_free(&fixture->history);
	registry_free(&fixture->registry);
}

static void assert_history(const struct fixture *fixture, uint64_t after_ms, size_t first_row,
			   const char *expected)
{
	_cleanup_buf_ struct buf out = {};

	history_write(fixture->history, after_ms, first_row, &out);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_cstr(&out), expected);
}

static void steps_hold_what_moved_in_them(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	history_step(fixture.history, 1000);
	series_observe(series_of(&fixture, SECONDS, "a", NULL), 100);
	series_observe(series_of(&fixture, SECONDS, "a", NULL), 100);
	series_observe(series_of(&fixture, SECONDS, "a", NULL), 9000);
	series_observe(series_of(&fixture, SECONDS, "old", NULL), 101);
	history_step(fixture.history, 2000);
	history_step(fixture.history, 3000);
	assert_history(&fixture, 0, 0,
		       HEAD ",\"rows\":[[0,\"old\"],[0,\"a\"]],\"steps\":[[1000],"
			    "[2000,[0,101,1,1],[1,9200,0,2,2,1]],[3000]]");
	assert_history(&fixture, 2000, 1, HEAD ",\"rows\":[[0,\"a\"]],\"steps\":[[3000]]");
	teardown(&fixture);
}

static void rows_between_others_come_back(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	for (const char *tool = "abcdefg"; *tool; tool++)
		(void)series_of(&fixture, SECONDS, (const char[]){*tool, 0}, NULL);
	history_step(fixture.history, 1000);
	for (const char *tool = "abef"; *tool; tool++)
		series_observe(series_of(&fixture, SECONDS, (const char[]){*tool, 0}, NULL), 7);
	series_add(series_of(&fixture, ERRORS, "a", "wait"), 1000);
	history_step(fixture.history, 2000);
	for (unsigned i = 0; i < 200; i++)
		series_observe(series_of(&fixture, SECONDS, "g", NULL), 2500);
	history_step(fixture.history, 3000);
	assert_history(&fixture, 1000, 8,
		       HEAD ",\"rows\":[[1,\"wait\"]],\"steps\":["
			    "[2000,[1,7,0,1],[2,7,0,1],[5,7,0,1],[6,7,0,1],[8,1000]],"
			    "[3000,[7,500000,1,200]]]");
	teardown(&fixture);
}

static void summed_families_have_a_row_for_each_other_label(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	series_add(series_of(&fixture, ERRORS, "a", "wait"), 3);
	series_add(series_of(&fixture, ERRORS, "b", "wait"), 4);
	series_add(series_of(&fixture, ERRORS, "b", "par\"se"), 1);
	series_observe(series_of(&fixture, BYTES, "a", NULL), 11);
	series_observe(series_of(&fixture, BYTES, "b", NULL), 7);
	history_step(fixture.history, 1000);
	assert_history(&fixture, 0, 1,
		       HEAD ",\"rows\":[[1,\"wait\"],[1,\"par\\\"se\"],[2]],"
			    "\"steps\":[[1000,[1,7],[2,1],[3,18]]]");
	teardown(&fixture);
}

static void gauges_are_there_while_they_are_not_0(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	for (uint64_t value = 2; value < 3; value--) { /* 2, 1, 0 */
		series_set(series_of(&fixture, IN_FLIGHT, "a", NULL), value);
		history_step(fixture.history, 1000 * (3 - value));
	}
	assert_history(&fixture, 0, 1,
		       HEAD ",\"rows\":[[3]],\"steps\":[[1000,[1,2]],[2000,[1,1]],[3000]]");
	teardown(&fixture);
}

/* Longer than the number of any row. */
#define TIME_MS 10000000

static size_t count_steps(const struct fixture *fixture)
{
	_cleanup_buf_ struct buf out = {};
	size_t count = 0;

	history_write(fixture->history, 0, SIZE_MAX, &out);
	for (const char *at = strstr(buf_cstr(&out), "\"steps\":["); (at = strstr(at, "[10000"));
	     at += 2)
		count++;
	return count;
}

static void the_oldest_steps_are_forgotten(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	for (uint64_t i = 0; i < HISTORY_STEPS + 20; i++)
		history_step(fixture.history, TIME_MS + i);
	assert_int_equal(count_steps(&fixture), HISTORY_STEPS);
	teardown(&fixture);
}

static void many_busy_series_keep_fewer_steps(void **state)
{
	struct fixture fixture;
	char tool[16];

	(void)state;
	setup(&fixture);
	for (unsigned step = 0; step < HISTORY_STEPS; step++) {
		for (unsigned i = 0; i < 9000; i++) {
			(void)snprintf(tool, sizeof(tool), "tool-%u", i);
			series_observe(series_of(&fixture, SECONDS, tool, NULL), 20000);
		}
		history_step(fixture.history, TIME_MS + step);
	}
	/* Three bytes of sum, one of the bucket; and 11 of the families: 87 times in 3 MiB. */
	assert_int_equal(count_steps(&fixture), HISTORY_BYTES_MAX / (9000 * 4 + 11));
	teardown(&fixture);
}

static void json_of_a_family(void **state)
{
	_cleanup_buf_ struct buf out = {};
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	series_add(series_of(&fixture, ERRORS, "a", "wait"), 3);
	series_add(series_of(&fixture, ERRORS, "b", ""), 4);
	registry_write_json(fixture.registry, ERRORS, &out);
	registry_write_json(fixture.registry, IN_FLIGHT, &out);
	assert_string_equal(
		buf_cstr(&out),
		"{\"name\":\"errors_total\",\"series\":[[\"a\",\"wait\",3],[\"b\",\"\",4]]}"
		"{\"name\":\"in_flight\",\"series\":[]}");
	teardown(&fixture);
}

static void varints_come_back(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT64_MAX - 1, UINT64_MAX};
	_cleanup_buf_ struct buf out = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		varint_append(&out, values[i]);
	struct varint_reader reader = {(uint8_t *)out.data, (uint8_t *)out.data + out.len};
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_true(varint_read(&reader) == values[i]);
	assert_ptr_equal(reader.at, reader.end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_hold_what_moved_in_them),
		cmocka_unit_test(rows_between_others_come_back),
		cmocka_unit_test(summed_families_have_a_row_for_each_other_label),
		cmocka_unit_test(gauges_are_there_while_they_are_not_0),
		cmocka_unit_test(the_oldest_steps_are_forgotten),
		cmocka_unit_test(many_busy_series_keep_fewer_steps),
		cmocka_unit_test(json_of_a_family),
		cmocka_unit_test(varints_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
