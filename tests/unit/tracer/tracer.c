/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "run/builder.h"
#include "tracer.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define SPANS_MAX 16

/* By which the wall clock is stepped; in place of libc's, for the whole program. */
static time_t wall_step_seconds;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ret);

	if (r == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += wall_step_seconds;
	return r;
}

static const struct identity pod = {.container_id = "c0ffee", .pod = "worker-0"};

/* What came out, in that order. */
struct seen {
	size_t count;
	struct {
		char name[32];
		uint64_t pid;
		struct trace_id trace;
		struct span_id id, parent;
		bool sampled, child, last;
		uint64_t epoch_ns;
		char state[64];
	} spans[SPANS_MAX];
	size_t runs_sampled, execs_sampled;
};

static void see(void *arg, const struct span *span, const struct span_place *place)
{
	struct seen *seen = arg;
	size_t i = seen->count++;

	assert_true(i < SPANS_MAX);
	(void)snprintf(seen->spans[i].name, sizeof(seen->spans[i].name), "%s", span->name);
	(void)snprintf(seen->spans[i].state, sizeof(seen->spans[i].state), "%s",
		       span->text + span->state_at);
	const struct attribute *pid = span_find(span, "process.pid");
	seen->spans[i].pid = pid ? (uint64_t)pid->number : 0;
	seen->spans[i].trace = span->trace;
	seen->spans[i].id = span->id;
	seen->spans[i].parent = span->parent;
	seen->spans[i].sampled = span->sampled;
	seen->spans[i].epoch_ns = span->epoch_ns;
	seen->spans[i].child = place->child;
	seen->spans[i].last = place->last;
}

static void see_run(void *arg, const struct report *report, const struct span *span)
{
	struct seen *seen = arg;

	assert_int_equal(span_find(span, "process.pid")->number, report->pid);
	seen->runs_sampled++;
}

static void see_exec(void *arg, const struct exec_report *report, const struct span *span)
{
	struct seen *seen = arg;

	assert_int_equal(span_find(span, "process.pid")->number, report->server_pid);
	seen->execs_sampled++;
}

static struct tracer *new_tracer(struct seen *seen, enum sampler_kind kind, bool keep_notable)
{
	const struct tracer_config config = {
		.sampler = {.kind = kind},
		.keep_notable = keep_notable,
		.span = see,
		.run_sampled = see_run,
		.exec_sampled = see_exec,
		.arg = seen,
	};
	struct tracer *tracer = NULL;

	memset(seen, 0, sizeof(*seen));
	assert_int_equal(tracer_new(&config, &tracer), 0);
	return tracer;
}

static void end_run(struct tracer *tracer, uint32_t pid, uint64_t exchange_id, enum outcome outcome)
{
	struct report report = {
		.pid = pid,
		.start_ns = BUILD_START_NS + pid,
		.latency_ns = 1000,
		.exited = true,
		.outcome = outcome,
		.tool_id = "sum",
	};
	struct run run;

	build_run(&run);
	run.exchange_id = exchange_id;
	tracer_record(tracer, &run);
	tracer_run(tracer, &run, &report, &pod);
}

static void end_exchange(struct tracer *tracer, uint64_t id, const char *traceparent,
			 const char *tracestate)
{
	struct exec_report report = {
		.exchange_id = id,
		.server_pid = 1,
		.kind = EXEC_KIND_AGENT,
		.operation = EXEC_OPERATION_SYNC,
		.status = 200,
		.outcome = EXEC_OUTCOME_SUCCESS,
		.request_first_ns = BUILD_START_NS,
		.end_ns = BUILD_START_NS + 5000,
		.latency_ns = 5000,
	};

	strcpy(report.traceparent, traceparent);
	strcpy(report.tracestate, tracestate);
	tracer_exchange(tracer, &report, &pod);
}

static uint64_t waiting(const struct tracer *tracer)
{
	struct tracer_totals totals;

	tracer_totals(tracer, &totals);
	return totals.exporter.queued;
}

static bool same(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n) == 0;
}

#define ASSERT_CHILD(seen, i, j)                                                                   \
	do {                                                                                       \
		assert_true(same(&(seen).spans[i].trace, &(seen).spans[j].trace, TRACE_ID_BYTES)); \
		assert_true(same(&(seen).spans[i].parent, &(seen).spans[j].id, SPAN_ID_BYTES));    \
	} while (0)

static void a_run_without_an_exchange_is_a_root(void **state)
{
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_PARENT_ON, true);

	(void)state;
	end_run(tracer, 7, 0, OUTCOME_SUCCESS);
	end_run(tracer, 8, 0, OUTCOME_SUCCESS);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.runs_sampled, 2);
	assert_false(span_id_is_set(&seen.spans[0].parent));
	assert_true(span_id_is_set(&seen.spans[0].id));
	assert_false(same(&seen.spans[0].trace, &seen.spans[1].trace, TRACE_ID_BYTES));
	tracer_free(&tracer);
}

static void runs_wait_for_their_exchange(void **state)
{
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_PARENT_ON, true);

	(void)state;
	end_run(tracer, 9, 100, OUTCOME_SUCCESS);
	end_run(tracer, 7, 100, OUTCOME_SUCCESS);
	end_run(tracer, 8, 200, OUTCOME_SUCCESS);
	assert_int_equal(seen.count, 0);
	assert_int_equal(waiting(tracer), 3);

	end_exchange(tracer, 100, "00-" TRACE "-" PARENT "-01", "a=1,b=2");
	assert_int_equal(seen.count, 3);
	assert_int_equal(waiting(tracer), 1);
	assert_string_equal(seen.spans[0].name, "agent.execute_sync");
	assert_false(seen.spans[0].child);
	assert_string_equal(seen.spans[0].state, "a=1,b=2");
	/* In the order in which they began. */
	assert_int_equal(seen.spans[1].pid, 7);
	assert_int_equal(seen.spans[2].pid, 9);
	for (size_t i = 1; i < 3; i++) {
		ASSERT_CHILD(seen, i, 0);
		assert_true(seen.spans[i].child);
		assert_int_equal(seen.spans[i].last, i == 2);
		assert_string_equal(seen.spans[i].state, "a=1,b=2");
	}
	char hex[2 * TRACE_ID_BYTES + 1];
	id_hex(seen.spans[0].trace.bytes, TRACE_ID_BYTES, hex);
	assert_string_equal(hex, TRACE);
	id_hex(seen.spans[0].parent.bytes, SPAN_ID_BYTES, hex);
	assert_string_equal(hex, PARENT);
	assert_int_equal(seen.execs_sampled, 1);

	/* An async start is over before its run. */
	end_run(tracer, 10, 100, OUTCOME_SUCCESS);
	ASSERT_CHILD(seen, 3, 0);
	tracer_free(&tracer);
}

/* Its spans come from records that end at different times: one conversion serves them all. */
static void a_step_of_the_wall_clock_does_not_reorder_a_trace(void **state)
{
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_ON, false);

	(void)state;
	end_run(tracer, 1, 7, OUTCOME_SUCCESS);
	wall_step_seconds = -3600;
	end_exchange(tracer, 7, "", "");
	wall_step_seconds = 3600;
	end_run(tracer, 2, 7, OUTCOME_SUCCESS);
	wall_step_seconds = 0;
	end_run(tracer, 3, 7, OUTCOME_SUCCESS);
	assert_int_equal(seen.count, 4);
	for (size_t i = 1; i < seen.count; i++)
		assert_true(seen.spans[i].epoch_ns == seen.spans[0].epoch_ns);

	/* What begins after the step tells the time as it is then. */
	end_run(tracer, 9, 0, OUTCOME_SUCCESS);
	assert_in_range(seen.spans[4].epoch_ns - seen.spans[0].epoch_ns, 3599 * NS_PER_SECOND,
			3601 * NS_PER_SECOND);
	tracer_free(&tracer);
}

static void malformed_headers_are_counted_and_ignored(void **state)
{
	struct tracer_totals totals;
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_PARENT_OFF, false);

	(void)state;
	end_exchange(tracer, 1, "00-" TRACE "-" PARENT "-1", "a=1");
	end_exchange(tracer, 2, "00-" TRACE "-" PARENT "-01", "A=1");
	end_exchange(tracer, 3, "", "a=1");
	tracer_totals(tracer, &totals);
	assert_int_equal(totals.malformed_parents, 1);
	assert_int_equal(totals.malformed_states, 1);
	/* Without a parent the sampler says no. */
	assert_int_equal(totals.created, 3);
	assert_int_equal(totals.unsampled, 2);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.spans[0].state, "");
	tracer_free(&tracer);
}

static void one_notable_span_keeps_its_trace(void **state)
{
	struct tracer_totals totals;
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_OFF, true);

	(void)state;
	/* The slowest of their names; from then on nothing is. */
	end_run(tracer, 5, 0, OUTCOME_SUCCESS);
	end_exchange(tracer, 10, "", "");
	memset(&seen, 0, sizeof(seen));

	end_run(tracer, 6, 20, OUTCOME_SUCCESS);
	end_run(tracer, 7, 20, OUTCOME_TIMEOUT);
	end_run(tracer, 8, 30, OUTCOME_SUCCESS);
	end_exchange(tracer, 20, "", "");
	end_exchange(tracer, 30, "", "");
	assert_int_equal(seen.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_false(seen.spans[i].sampled);
	ASSERT_CHILD(seen, 1, 0);
	ASSERT_CHILD(seen, 2, 0);
	tracer_totals(tracer, &totals);
	assert_int_equal(totals.created, 7);
	assert_int_equal(totals.unsampled, 2);
	tracer_free(&tracer);
}

static void an_exchange_that_never_ends_is_one_trace_all_the_same(void **state)
{
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_ON, true);

	(void)state;
	end_run(tracer, 7, 100, OUTCOME_SUCCESS);
	end_run(tracer, 8, 100, OUTCOME_SUCCESS);
	end_run(tracer, 9, 200, OUTCOME_SUCCESS);
	tracer_flush(tracer);
	assert_int_equal(waiting(tracer), 0);
	assert_int_equal(seen.count, 3);
	assert_true(same(&seen.spans[0].trace, &seen.spans[1].trace, TRACE_ID_BYTES));
	assert_false(same(&seen.spans[0].trace, &seen.spans[2].trace, TRACE_ID_BYTES));
	for (size_t i = 0; i < 3; i++)
		assert_false(span_id_is_set(&seen.spans[i].parent));

	/* Late, and with a trace of its own: what is out cannot be changed. */
	end_exchange(tracer, 100, "00-" TRACE "-" PARENT "-01", "");
	assert_true(same(&seen.spans[3].trace, &seen.spans[0].trace, TRACE_ID_BYTES));
	tracer_free(&tracer);
}

static void what_waits_is_bounded(void **state)
{
	struct tracer_totals totals;
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_OFF, false);

	(void)state;
	for (uint32_t i = 1; i <= TRACER_WAITING_MAX + 10; i++)
		end_run(tracer, i, i, OUTCOME_ERROR);
	tracer_totals(tracer, &totals);
	assert_int_equal(totals.exporter.queued, TRACER_WAITING_MAX);
	assert_int_equal(totals.created, TRACER_WAITING_MAX + 10);
	assert_int_equal(totals.unsampled, 10);
	tracer_free(&tracer);
}

static void end_polls(struct tracer *tracer, const char *exec_id, uint64_t goroutine,
		      uint64_t begin_ns)
{
	struct poll_report report = {
		.outcome = POLL_OUTCOME_COMPLETED,
		.polls = 2,
		.times_count = 2,
		.times_ns = {begin_ns, begin_ns + 200},
		.begin_ns = begin_ns,
		.end_ns = begin_ns + 1000,
		.goroutine = goroutine,
		.server_pid = 1,
	};

	strcpy(report.exec_id, exec_id);
	tracer_polls(tracer, &report);
}

static void polls_join_their_exchange(void **state)
{
	struct exec_report report = {
		.exchange_id = 5,
		.server_pid = 1,
		.goroutine = 0xc000,
		.kind = EXEC_KIND_WORKFLOW,
		.operation = EXEC_OPERATION_SYNC,
		.status = 200,
		.request_first_ns = BUILD_START_NS,
		.end_ns = BUILD_START_NS + 5000,
	};
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_ON, true);

	(void)state;
	/* By the goroutine, in its time; and by the execution, whatever goroutine. */
	end_polls(tracer, "A", 0xc000, BUILD_START_NS + 10);
	end_polls(tracer, "B", 0xc000, BUILD_START_NS - 10);
	end_polls(tracer, "C", 0xd000, BUILD_START_NS + 20);
	end_run(tracer, 7, 5, OUTCOME_SUCCESS);
	tracer_exchange(tracer, &report, &pod);
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.spans[1].name, "workflow.wait_completion");
	ASSERT_CHILD(seen, 1, 0);
	assert_true(seen.spans[1].child && !seen.spans[1].last && seen.spans[2].last);

	report.exchange_id = 6;
	strcpy(report.exec_id, "C");
	tracer_exchange(tracer, &report, &pod);
	assert_int_equal(seen.count, 5);
	ASSERT_CHILD(seen, 4, 3);
	assert_true(seen.spans[4].last);

	/* Later than its exchange: the client had left. */
	end_polls(tracer, "C", 0xe000, BUILD_START_NS + 30);
	ASSERT_CHILD(seen, 5, 3);
	assert_int_equal(waiting(tracer), 1);
	tracer_flush(tracer);
	assert_false(span_id_is_set(&seen.spans[6].parent));
	assert_int_equal(waiting(tracer), 0);
	tracer_free(&tracer);
}

/* Before the runs: it began before them. */
static void preparing_is_a_child_of_its_exchange(void **state)
{
	struct tracer_totals totals;
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_ON, true);
	struct exec_report report = {
		.exchange_id = 100,
		.server_pid = 1,
		.kind = EXEC_KIND_AGENT,
		.operation = EXEC_OPERATION_SYNC,
		.request_first_ns = BUILD_START_NS,
		.request_last_ns = BUILD_START_NS + 1,
		.execution_ns = BUILD_START_NS + 3,
		.end_ns = BUILD_START_NS + 5000,
	};

	(void)state;
	end_run(tracer, 7, 100, OUTCOME_SUCCESS);
	tracer_exchange(tracer, &report, &pod);
	tracer_totals(tracer, &totals);
	assert_int_equal(totals.created, 3);
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.spans[1].name, "agent.prepare");
	ASSERT_CHILD(seen, 1, 0);
	ASSERT_CHILD(seen, 2, 0);
	assert_false(seen.spans[1].last);
	assert_true(seen.spans[2].last);
	tracer_free(&tracer);
}

static void asking_for_a_status_is_no_span(void **state)
{
	const struct exec_report status = {.exchange_id = 1, .operation = EXEC_OPERATION_STATUS};
	struct tracer_totals totals;
	struct seen seen;
	struct tracer *tracer = new_tracer(&seen, SAMPLER_ALWAYS_ON, true);

	(void)state;
	tracer_exchange(tracer, &status, &pod);
	tracer_totals(tracer, &totals);
	assert_int_equal(totals.created, 0);
	tracer_free(&tracer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_without_an_exchange_is_a_root),
		cmocka_unit_test(runs_wait_for_their_exchange),
		cmocka_unit_test(a_step_of_the_wall_clock_does_not_reorder_a_trace),
		cmocka_unit_test(malformed_headers_are_counted_and_ignored),
		cmocka_unit_test(one_notable_span_keeps_its_trace),
		cmocka_unit_test(an_exchange_that_never_ends_is_one_trace_all_the_same),
		cmocka_unit_test(what_waits_is_bounded),
		cmocka_unit_test(polls_join_their_exchange),
		cmocka_unit_test(preparing_is_a_child_of_its_exchange),
		cmocka_unit_test(asking_for_a_status_is_no_span),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
