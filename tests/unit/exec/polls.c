/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/polls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define SECOND 1000000000ull

static struct poll_loop a_loop(void)
{
	struct poll_loop loop = {
		.key = {.goroutine = 0xc000123000, .tgid = 42},
		.begin_ns = SECOND,
		.end_ns = 3 * SECOND,
		.timeout_ns = 60 * SECOND,
		.exec_id_bytes = 27,
		.workflow_id_bytes = 4,
		.fetches = 3,
		.fetch_ns = {SECOND, 2 * SECOND, 3 * SECOND},
	};

	memcpy(loop.exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA", 27);
	memcpy(loop.workflow_id, "flow", 4);
	return loop;
}

static void loop_is_reported_as_it_was(void **state)
{
	struct poll_loop loop = a_loop();
	const struct poll_loop *decoded;
	struct poll_report report;

	(void)state;
	assert_true(poll_loop_decode(&loop, sizeof(loop), &decoded));
	poll_loop_report(decoded, &report);
	assert_string_equal(report.exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA");
	assert_string_equal(report.workflow_id, "flow");
	assert_int_equal(report.outcome, POLL_OUTCOME_COMPLETED);
	assert_int_equal(report.polls, 3);
	assert_int_equal(report.times_count, 3);
	assert_int_equal(report.times_ns[2], 3 * SECOND);
	assert_int_equal(report.begin_ns, SECOND);
	assert_int_equal(report.end_ns, 3 * SECOND);
	assert_int_equal(report.timeout_ns, 60 * SECOND);
	assert_int_equal(report.goroutine, 0xc000123000);
	assert_int_equal(report.server_pid, 42);
}

static void last_fetch_after_the_deadline_is_no_poll(void **state)
{
	static const struct {
		uint32_t timed_out, failed, fetches;
		enum poll_outcome outcome;
		uint32_t polls;
	} cases[] = {
		{0, 0, 1, POLL_OUTCOME_COMPLETED, 1},	{0, 1, 5, POLL_OUTCOME_ERROR, 5},
		{1, 0, 5, POLL_OUTCOME_TIMEOUT, 4},	{1, 1, 5, POLL_OUTCOME_TIMEOUT, 4},
		{1, 0, 1, POLL_OUTCOME_TIMEOUT, 0},	{1, 0, 0, POLL_OUTCOME_TIMEOUT, 0},
		{0, 0, 90, POLL_OUTCOME_COMPLETED, 90},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct poll_loop loop = a_loop();
		struct poll_report report;

		loop.timed_out = cases[i].timed_out;
		loop.failed = cases[i].failed;
		loop.fetches = cases[i].fetches;
		poll_loop_report(&loop, &report);
		assert_int_equal(report.outcome, cases[i].outcome);
		assert_int_equal(report.polls, cases[i].polls);
		assert_true(report.times_count <= POLL_TIMES_MAX);
	}
}

static void long_workflow_id_is_none(void **state)
{
	struct poll_loop loop = a_loop();
	struct poll_report report;

	(void)state;
	loop.workflow_id_bytes = POLL_WORKFLOW_ID_BYTES + 1;
	poll_loop_report(&loop, &report);
	assert_string_equal(report.workflow_id, "");
}

static void bytes_that_are_no_loop_are_refused(void **state)
{
	static uint8_t bytes[sizeof(struct poll_loop) + 8] __attribute__((aligned(8)));
	struct poll_loop *loop = (struct poll_loop *)bytes;
	const struct poll_loop *decoded = NULL;

	(void)state;
	*loop = a_loop();
	assert_false(poll_loop_decode(bytes, sizeof(*loop) - 1, &decoded));
	assert_false(poll_loop_decode(bytes, sizeof(*loop) + 1, &decoded));
	assert_false(poll_loop_decode(bytes + 1, sizeof(*loop), &decoded));
	loop->exec_id_bytes = POLL_EXEC_ID_BYTES + 1;
	assert_false(poll_loop_decode(bytes, sizeof(*loop), &decoded));
	*loop = a_loop();
	loop->end_ns = loop->begin_ns - 1;
	assert_false(poll_loop_decode(bytes, sizeof(*loop), &decoded));
	*loop = a_loop();
	loop->key.tgid = 0;
	assert_false(poll_loop_decode(bytes, sizeof(*loop), &decoded));
	assert_null(decoded);
	*loop = a_loop();
	loop->end_ns = 0; /* under way */
	assert_true(poll_loop_decode(bytes, sizeof(*loop), &decoded));
}

static struct exec_report an_exchange(uint64_t duration_ms, uint32_t code)
{
	struct exec_report exchange = {
		.kind = EXEC_KIND_WORKFLOW,
		.operation = EXEC_OPERATION_SYNC,
		.server_pid = 42,
		.goroutine = 0xc000123000,
		.code = code,
		.request_first_ns = SECOND / 2,
		.request_last_ns = SECOND,
		.response_first_ns = SECOND + duration_ms * 1000000,
	};

	exchange.end_ns = exchange.response_first_ns + SECOND;
	memcpy(exchange.resource_id, "flow", 5);
	memcpy(exchange.exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA", 28);
	return exchange;
}

static void estimate_follows_the_schedule(void **state)
{
	static const struct {
		uint32_t code;
		uint64_t duration_ms;
		uint32_t polls;
	} cases[] = {
		/* A deadline: as many as have their time before it. */
		{408, 0, 1},
		{408, 199, 1},
		{408, 200, 2},
		{408, 599, 2},
		{408, 600, 3},
		{408, 6199, 5},
		{408, 6200, 6},
		{408, 11200, 7},
		{408, 60000, 16},
		{408, 300000, 64},
		/* Others end with a poll: that whose time is nearest, a tenth of jitter before or behind. */
		{200, 0, 1},
		{200, 99, 1},
		{200, 180, 2},
		{200, 220, 2},
		{200, 540, 3},
		{200, 660, 3},
		{200, 2700, 5},
		{200, 3300, 5},
		{200, 5580, 6},
		{200, 6820, 6},
		{200, 4650, 6},
		{200, 8600, 6},
		{200, 8800, 7},
		{200, 10700, 7},
		{500, 640, 3},
		{0, 15000, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report exchange = an_exchange(cases[i].duration_ms, cases[i].code);
		struct poll_report report;

		assert_true(poll_loop_estimate(&exchange, &report));
		assert_int_equal(report.polls, cases[i].polls);
	}
}

static void estimate_is_the_exchanges(void **state)
{
	struct exec_report exchange = an_exchange(600, 200);
	struct poll_report report;

	(void)state;
	assert_true(poll_loop_estimate(&exchange, &report));
	assert_string_equal(report.workflow_id, "flow");
	assert_string_equal(report.exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA");
	assert_int_equal(report.begin_ns, SECOND);
	assert_int_equal(report.end_ns, SECOND + 600000000);
	assert_int_equal(report.server_pid, 42);
	assert_int_equal(report.goroutine, 0xc000123000);
	assert_int_equal(report.times_count, 0);
	assert_int_equal(report.outcome, POLL_OUTCOME_COMPLETED);
}

static void estimate_has_the_exchanges_outcome(void **state)
{
	static const struct {
		uint32_t code;
		enum poll_outcome outcome; /* POLL_OUTCOME_COUNT: it never polled */
	} cases[] = {
		{200, POLL_OUTCOME_COMPLETED}, {408, POLL_OUTCOME_TIMEOUT},
		{500, POLL_OUTCOME_ERROR},     {0, POLL_OUTCOME_ERROR},
		{400, POLL_OUTCOME_COUNT},     {401, POLL_OUTCOME_COUNT},
		{404, POLL_OUTCOME_COUNT},     {429, POLL_OUTCOME_COUNT},
		{503, POLL_OUTCOME_COUNT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report exchange = an_exchange(600, cases[i].code);
		struct poll_report report = {.outcome = POLL_OUTCOME_COUNT};

		assert_int_equal(poll_loop_estimate(&exchange, &report),
				 cases[i].outcome != POLL_OUTCOME_COUNT);
		assert_int_equal(report.outcome, cases[i].outcome);
	}
}

static void others_have_no_estimate(void **state)
{
	struct exec_report task = an_exchange(600, 200), start = task, cut = task;
	struct poll_report report;

	(void)state;
	task.kind = EXEC_KIND_TASK;
	start.operation = EXEC_OPERATION_ASYNC;
	cut.request_last_ns = 0; /* the client left before its request was complete */
	assert_false(poll_loop_estimate(&task, &report));
	assert_false(poll_loop_estimate(&start, &report));
	assert_false(poll_loop_estimate(&cut, &report));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_is_reported_as_it_was),
		cmocka_unit_test(last_fetch_after_the_deadline_is_no_poll),
		cmocka_unit_test(long_workflow_id_is_none),
		cmocka_unit_test(bytes_that_are_no_loop_are_refused),
		cmocka_unit_test(estimate_follows_the_schedule),
		cmocka_unit_test(estimate_is_the_exchanges),
		cmocka_unit_test(estimate_has_the_exchanges_outcome),
		cmocka_unit_test(others_have_no_estimate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
