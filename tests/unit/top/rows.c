/* SPDX-License-Identifier: Apache-2.0 */
#include "top/rows.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECONDS                                                                                    \
	"{\"name\":\"runtime_tool_execute_seconds\",\"type\":\"histogram\",\"scale\":9,"           \
	"\"labels\":[\"tool_id\",\"outcome\"],\"bounds\":[0.1,1]}"
#define CPU                                                                                        \
	"{\"name\":\"runtime_tool_cpu_seconds\",\"type\":\"histogram\",\"scale\":9,"               \
	"\"labels\":[\"tool_id\"],\"bounds\":[]}"
#define EXITS                                                                                      \
	"{\"name\":\"runtime_bun_process_exits_total\",\"type\":\"counter\",\"scale\":0,"          \
	"\"labels\":[\"status\"],\"bounds\":[]}"
#define FAMILIES "\"families\":[" SECONDS "," CPU "," EXITS "]"
#define ROWS                                                                                       \
	"\"rows\":[[0,\"a\",\"success\"],[0,\"a\",\"error\"],[1,\"a\"],[2,\"exit\"],"              \
	"[0,\"b\",\"timeout\"]]"
#define NOW                                                                                        \
	"\"now\":[{\"name\":\"runtime_tool_runs_in_flight\",\"series\":[[\"a\",0],[\"c\",\"web-"   \
	"0\",1],[\"c\",\"web-1\",1]]},"                                                            \
	"{\"name\":\"runtime_tool_oldest_run_seconds\",\"series\":[[1.5]]},"                       \
	"{\"name\":\"bunscope_runs_lost_total\",\"series\":[[\"x\",1],[\"y\",2]]}]"
#define STEPS                                                                                      \
	"\"steps\":[[700000,[0,1,0,6]],"                                                           \
	"[960000,[0,1,0,2],[1,1,1,2],[2,2500000000],[3,9],[4,1,2,3]]]"

static struct top_rows read_rows(const char *json)
{
	struct top_rows rows = {0};

	assert_int_equal(top_rows_read(json, strlen(json), &rows), 0);
	return rows;
}

static void a_row_for_each_tool_that_did_something(void **state)
{
	struct top_rows rows =
		read_rows("{\"time\":1000000," FAMILIES "," ROWS "," NOW "," STEPS "}");
	const struct top_row *a = &rows.rows[0], *b = &rows.rows[1], *c = &rows.rows[2];

	(void)state;
	assert_int_equal(rows.count, 3);
	assert_string_equal(a->tool, "a");
	assert_true(a->runs == 10 && a->errors == 2 && a->timeouts == 0 && a->in_flight == 0);
	assert_true(a->rate == 4 / 60.0); /* the first step is too long ago */
	assert_true(fabs(a->p50_seconds - 0.1 * 5 / 8) < 1e-12);
	assert_true(fabs(a->p95_seconds - (0.1 + 0.9 * 1.5 / 2)) < 1e-12);
	assert_true(a->cpu_seconds == 0.25 && a->rss_bytes == 0);
	assert_true(b->runs == 3 && b->timeouts == 3 &&
		    b->p50_seconds == 1); /* beyond all bounds */
	assert_string_equal(c->tool, "c");
	assert_true(c->in_flight == 2 && c->runs == 0 && isnan(c->p50_seconds));
	assert_true(rows.lost == 3 && rows.oldest_seconds == 1.5 && rows.minutes == 5);
	top_rows_free(&rows);
}

static void what_is_no_answer(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"null",
		"{\"families\":[]}",
		"{\"families\":{},\"time\":1}",
		"{\"families\":[],\"time\":\"x\"}",
		"<html>",
	};
	struct top_rows rows = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(top_rows_read(texts[i], strlen(texts[i]), &rows), -EINVAL);
}

/* An agent of another version, or none at all: nothing of it may lead anywhere. */
static void nonsense_is_passed_over(void **state)
{
	struct top_rows rows =
		read_rows("{\"time\":1000000," FAMILIES
			  ",\"rows\":[[9,\"a\"],[-1,\"a\"],[],7,[0],[0,7],[0,\"t\",\"success\"]],"
			  "\"now\":[7,{\"name\":7},{\"name\":\"runtime_tool_runs_in_flight\","
			  "\"series\":[[],7]}],"
			  "\"steps\":[7,[],[\"x\"],[990000,7,[],[99,1],[-1,1],[\"6\"],[6,1,99,1],["
			  "6,1,-1,1],[6,1,0],[6,1,0,1]]]}");

	(void)state;
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.rows[0].tool, "t");
	top_rows_free(&rows);
}

static void no_tools(void **state)
{
	struct top_rows rows =
		read_rows("{\"time\":1000000,\"families\":[],\"rows\":[],\"steps\":[]}");

	(void)state;
	assert_int_equal(rows.count, 0);
	assert_true(rows.minutes == 0);
	top_rows_free(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_for_each_tool_that_did_something),
		cmocka_unit_test(what_is_no_answer),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(no_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
