/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sink/metrics.h"
#include "sink/recent.h"

#define MS 1000000ull

static struct report report_make(const char *exec_id)
{
	struct report report = {
		.pid = 4711,
		.parent_pid = 100,
		.start_ns = 2000 * MS,
		.tool_id = "sum",
		.outcome = OUTCOME_SUCCESS,
		.exited = true,
		.has_output = true,
		.latency_ns = 30 * MS,
		.cpu_ns = 20 * MS,
		.max_rss_bytes = 33000000,
		.output_bytes = 120,
	};

	(void)snprintf(report.tool_exec_id, sizeof(report.tool_exec_id), "%s", exec_id);
	return report;
}

/* It was adopted, so it may have read before. */
static const struct run_detail detail = {
	.exec_ns = 2001 * MS,
	.first_read_ns = 2005 * MS,
	.exit_ns = 2029 * MS,
	.eof_ns = 2030 * MS,
};

struct fixture {
	struct metrics *metrics;
	struct view *view;
	struct buf out;
};

static void setup(struct fixture *fixture)
{
	*fixture = (struct fixture){};
	assert_int_equal(metrics_new("some_", 10, 0, &fixture->metrics), 0);
	assert_int_equal(view_new(metrics_registry(fixture->metrics), 5000, &fixture->view), 0);
}

static void teardown(struct fixture *fixture)
{
	view_free(&fixture->view);
	metrics_free(&fixture->metrics);
	buf_free(&fixture->out);
}

static void run(struct fixture *fixture, const char *exec_id)
{
	struct report report = report_make(exec_id);

	metrics_run(fixture->metrics, &report);
	view_run(fixture->view, &report, &detail);
}

static void assert_in(struct buf *out, const char *part)
{
	if (!strstr(buf_cstr(out), part))
		fail_msg("%s is not in %s", part, buf_cstr(out));
}

static void live_has_steps_and_what_is_now(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	run(&fixture, "1");
	view_step(fixture.view, 10000);
	view_write_live(fixture.view, 12000, 0, 0, &fixture.out);
	assert_int_equal(buf_error(&fixture.out), 0);
	assert_in(&fixture.out, "{\"agent\":5000,\"time\":12000,\"step_ms\":5000,\"steps_max\":180,"
				"\"now\":[{\"name\":\"runtime_tool_runs_in_flight\","
				"\"series\":[[\"sum\",0]]},");
	/* 30 ms are in the fourth bucket; before the series are those of executions, which are there from the start. */
	assert_in(&fixture.out, "[0,\"sum\",\"success\"],");
	assert_in(&fixture.out, "\"steps\":[[10000,[12,30000000,3,1],");
	teardown(&fixture);
}

static void runs_have_no_pid(void **state)
{
	struct fixture fixture;

	(void)state;
	setup(&fixture);
	run(&fixture, "34fQ0bZk1xYvT7mN2cR8sL5pWdA");
	view_write_runs(fixture.view, 1000 * MS, &fixture.out);
	assert_string_equal(
		buf_cstr(&fixture.out),
		"{\"started\":3.000000000,\"tool_id\":\"sum\","
		"\"tool_exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5pWdA\",\"outcome\":\"success\","
		"\"error_kinds\":[],\"exit_code\":0,\"timed_out\":false,\"adopted\":false,"
		"\"timeout_ms\":0,\"seconds\":0.030000000,\"cpu_seconds\":0.020000000,"
		"\"main_thread_cpu_seconds\":0.000000000,"
		"\"main_thread_runqueue_seconds\":0.000000000,"
		"\"main_thread_wait_seconds\":0.000000000,\"max_rss_bytes\":33000000,"
		"\"input_bytes\":0,\"output_bytes\":120,\"stderr_bytes\":0,"
		"\"timeline\":{\"exec\":0.001000000,\"exit\":0.029000000,\"eof\":0.030000000}}\n");
	teardown(&fixture);
}

static void the_last_runs_are_kept(void **state)
{
	struct fixture fixture;
	char exec_id[16];
	size_t lines = 0;

	(void)state;
	setup(&fixture);
	for (unsigned i = 0; i < RECENT_RUNS + 3; i++) {
		(void)snprintf(exec_id, sizeof(exec_id), "number-%u", i);
		run(&fixture, exec_id);
	}
	view_write_runs(fixture.view, 0, &fixture.out);
	for (size_t i = 0; i < fixture.out.len; i++)
		lines += fixture.out.data[i] == '\n';
	assert_int_equal(lines, RECENT_RUNS);
	assert_ptr_equal(strstr(buf_cstr(&fixture.out), "number-2\""), NULL);
	assert_true(strstr(buf_cstr(&fixture.out), "\"number-3\"") <
		    strstr(buf_cstr(&fixture.out), "\"number-102\""));
	teardown(&fixture);
}

/* A number that looks like a measurement: of 1 to 3 times `least`. */
static uint64_t measure(uint32_t *seed, uint64_t least)
{
	*seed = *seed * 1664525 + 1013904223;
	return least + 2 * least * (*seed >> 8) / (UINT32_MAX >> 8);
}

static void thousand_tools_run(struct fixture *fixture, uint32_t *seed)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct report report = report_make("");

		(void)snprintf(report.tool_id, sizeof(report.tool_id), "tool-%u", i);
		report.latency_ns = measure(seed, 80 * MS);
		report.cpu_ns = measure(seed, 10 * MS);
		report.max_rss_bytes = measure(seed, 30000000);
		report.output_bytes = measure(seed, 60);
		metrics_run(fixture->metrics, &report);
	}
}

/* In bounded memory: whoever opens the page sees what it promises, however many tools there are. */
static void a_thousand_tools_in_every_step_fit_in_fifteen_minutes(void **state)
{
	struct fixture fixture = {};
	uint32_t seed = 1;
	const char *steps;

	(void)state;
	assert_int_equal(metrics_new("", 1000, 0, &fixture.metrics), 0);
	assert_int_equal(view_new(metrics_registry(fixture.metrics), 0, &fixture.view), 0);
	for (uint64_t time_ms = VIEW_STEP_MS; time_ms <= 15 * 60 * 1000ull;
	     time_ms += VIEW_STEP_MS) {
		thousand_tools_run(&fixture, &seed);
		view_step(fixture.view, time_ms);
	}
	view_write_live(fixture.view, 0, 0, 0, &fixture.out);
	assert_int_equal(buf_error(&fixture.out), 0);
	steps = strstr(buf_cstr(&fixture.out), "\"steps\":[[5000,");
	assert_non_null(steps);
	assert_non_null(strstr(steps, ",[900000,"));
	teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_has_steps_and_what_is_now),
		cmocka_unit_test(runs_have_no_pid),
		cmocka_unit_test(the_last_runs_are_kept),
		cmocka_unit_test(a_thousand_tools_in_every_step_fit_in_fifteen_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
