/* SPDX-License-Identifier: Apache-2.0 */
#include "run/classify.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/rows.h"

static bool as_expected(const struct report *report, const struct expected *expected)
{
	enum sender sender = expected->signal ? expected->sender : report->sender;

	return report->outcome == expected->outcome && report->error_kinds == expected->kinds &&
	       report->timed_out == (expected->outcome == OUTCOME_TIMEOUT) &&
	       report->exited == (expected->kinds != KIND(START)) &&
	       report->status == expected->status && report->signal == expected->signal &&
	       report->sender == sender && report->has_output == expected->has_output;
}

static void every_situation_has_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		struct report report;
		struct run run;

		build_run(&run);
		situations[i].arrange(&run);
		assert_true(run_classify(&run, &track_workers, 0, &report));
		if (!as_expected(&report, &situations[i]))
			fail_msg("row %s: outcome %s, kinds %#x, status %u, signal %u, output %d",
				 situations[i].row, outcome_names[report.outcome],
				 report.error_kinds, report.status, report.signal,
				 report.has_output);
	}
}

static enum outcome outcome_of_call(void (*arrange)(struct run *run), uint64_t call_start_ns)
{
	struct report report;
	struct run run;

	build_run(&run);
	arrange(&run);
	assert_true(run_classify(&run, &track_workers, call_start_ns, &report));
	return report.outcome;
}

static void deadline_counts_from_the_start_of_the_call(void **state)
{
	const uint64_t early_ns = BUILD_START_NS - 200000000;

	(void)state;
	assert_int_equal(outcome_of_call(deadline_of_an_early_call, 0), OUTCOME_ERROR);
	assert_int_equal(outcome_of_call(deadline_of_an_early_call, early_ns), OUTCOME_TIMEOUT);
	assert_int_equal(outcome_of_call(grandchild_within_the_deadline, early_ns),
			 OUTCOME_TIMEOUT);
}

static void call_that_starts_after_the_fork_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(outcome_of_call(deadline, build_ns(500)), OUTCOME_TIMEOUT);
}

static void core_dump_is_noted(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	crash(&run);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_true(report.core_dumped);
	terminated(&run);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_false(report.core_dumped);
}

static void report_says_whose_run_it_was(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_int_equal(report.pid, BUILD_PID);
	assert_int_equal(report.parent_pid, BUILD_SERVER);
	assert_int_equal(report.start_ns, BUILD_START_NS);
	assert_int_equal(report.cgroup_id, 77);
	assert_string_equal(report.tool_id, "sum");
	assert_string_equal(report.tool_exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA");
	assert_int_equal(report.timeout_ms, 1000);
	assert_false(report.adopted);
	assert_int_equal(report.latency_ns, BUILD_EXIT_MS * 1000000ull);
	assert_int_equal(report.output_bytes, strlen(BUILD_SUCCESS));

	adopted(&run);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_true(report.adopted);
	assert_string_equal(report.tool_id, TOOL_ID_UNKNOWN);
}

static void version_probe(struct run *run)
{
	static const char args[] = "bun\0--version";

	build_args(run, args, sizeof(args));
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	reply_with(run, "1.4.5\n");
	run->stdio[STDIO_IN].kind = STDIO_KIND_OTHER;
}

static void script(struct run *run)
{
	static const char args[] = "bun\0run\0/srv/tools/resize.ts";

	version_probe(run);
	build_args(run, args, sizeof(args));
	run->stdio[STDIO_IN].kind = STDIO_KIND_FILE;
	run->stdio[STDIO_OUT].kind = STDIO_KIND_UNIX;
}

static void script_with_another_request(struct run *run)
{
	script(run);
	build_request(run, "{\"tool\":\"x\"}");
}

static void script_on_a_terminal(struct run *run)
{
	script(run);
	run->stdio[STDIO_OUT].kind = STDIO_KIND_OTHER;
}

static void script_with_a_tool_id(struct run *run)
{
	script_on_a_terminal(run);
	build_request(run, "{\"tool_id\":\"x\"}");
}

static void script_with_a_bad_name(struct run *run)
{
	static const char args[] = "bun\0\xff.ts";

	script(run);
	build_args(run, args, sizeof(args));
}

static void script_with_a_long_name(struct run *run)
{
	char args[135] = "bun\0";

	script(run);
	memset(args + 4, 'x', 129);
	build_args(run, args, sizeof(args));
}

static void repl(struct run *run)
{
	static const char args[] = "bun";

	script(run);
	build_args(run, args, sizeof(args));
}

static void worker_without_a_request(struct run *run)
{
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
}

static void failed_exec_of_unknown(struct run *run)
{
	failed_exec(run);
	run->args_bytes = 0;
}

static void failed_exec_of_a_probe(struct run *run)
{
	version_probe(run);
	failed_exec(run);
}

/* NULL: not a run. */
static void runs_are_told_from_other_processes(void **state)
{
	static const struct {
		void (*arrange)(struct run *run);
		const char *by_worker, *by_all;
	} cases[] = {
		{result, "sum", "sum"},
		{version_probe, NULL, NULL}, /* row 25 */
		{script, NULL, "resize.ts"},
		{script_with_another_request, NULL, "resize.ts"},
		{script_on_a_terminal, NULL, NULL},
		{script_with_a_tool_id, "x", "x"},
		{script_with_a_bad_name, NULL, TOOL_ID_INVALID},
		{script_with_a_long_name, NULL, TOOL_ID_INVALID},
		{repl, NULL, TOOL_ID_UNKNOWN},
		{worker_without_a_request, TOOL_ID_UNKNOWN, "bun_worker.ts"},
		{failed_exec, TOOL_ID_UNKNOWN, "bun_worker.ts"},
		{failed_exec_of_unknown, TOOL_ID_UNKNOWN, TOOL_ID_UNKNOWN},
		{failed_exec_of_a_probe, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct classify_config *configs[] = {&track_workers, &track_all};
		const char *expected[] = {cases[i].by_worker, cases[i].by_all};

		for (size_t j = 0; j < 2; j++) {
			struct report report;
			struct run run;
			bool is_run;

			build_run(&run);
			cases[i].arrange(&run);
			is_run = run_classify(&run, configs[j], 0, &report);
			if (is_run != (expected[j] != NULL) ||
			    (is_run && strcmp(report.tool_id, expected[j])))
				fail_msg("case %zu, %s", i, j ? "all" : "workers");
		}
	}
}

static void run_under_way_is_identified(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	run.flags = RUN_CONFIRMED;
	run.exit_ns = 0;
	assert_true(run_identify(&run, &track_workers, &report));
	assert_string_equal(report.tool_id, "sum");
	assert_int_equal(report.pid, BUILD_PID);
	assert_int_equal(report.latency_ns, 0);
	run.flags = 0;
	assert_false(run_identify(&run, &track_workers, &report));
	version_probe(&run);
	run.flags = RUN_CONFIRMED;
	assert_false(run_identify(&run, &track_workers, &report));
}

/* Makes another program's run of it: the same request with another key, another script. */
static void forget_the_protocol(struct run *run)
{
	uint8_t *heads[] = {run->request_self.head, run->request_peer.head};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		uint8_t *key = memmem(heads[i], REQUEST_HEAD_BYTES, "tool_id", 7);

		if (key)
			key[6] = 'x';
	}
	build_args(run, "bun\0x.ts", 9);
}

static void other_runs_are_judged_by_their_exit_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		bool failed = situations[i].status || situations[i].signal;
		struct report report;
		struct run run;

		if (situations[i].kinds == KIND(START))
			continue;
		build_run(&run);
		situations[i].arrange(&run);
		forget_the_protocol(&run);
		assert_true(run_classify(&run, &track_all, 0, &report));
		if (report.outcome != (failed ? OUTCOME_ERROR : OUTCOME_SUCCESS) ||
		    report.error_kinds != (failed ? KIND(WAIT) : 0) || report.timed_out)
			fail_msg("row %s", situations[i].row);
	}
}

static void failed_start_without_a_command_line_counts(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	failed_exec_of_unknown(&run);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_int_equal(report.error_kinds, KIND(START));
	assert_false(report.exited);
}

static bool output_sampled(uint32_t kind, uint32_t flags, uint64_t read, uint64_t eof_ns)
{
	struct report report;
	struct run run;

	build_run(&run);
	run.stdio[STDIO_OUT].kind = kind;
	run.stdio[STDIO_OUT].flags = flags;
	run.stdio[STDIO_OUT].peer.bytes = read;
	run.stdio[STDIO_OUT].peer.eof_ns = eof_ns;
	assert_true(run_classify(&run, &track_workers, 0, &report));
	return report.has_output;
}

static void output_counts_when_its_end_was_seen_or_nobody_can_see_it(void **state)
{
	(void)state;
	assert_true(output_sampled(STDIO_KIND_PIPE, 0, 10, build_ns(500)));
	assert_false(output_sampled(STDIO_KIND_PIPE, 0, 10, 0));
	assert_true(output_sampled(STDIO_KIND_PIPE, 0, 0, 0));
	assert_true(output_sampled(STDIO_KIND_FILE, 0, 0, 0));
	assert_true(output_sampled(STDIO_KIND_PIPE, STREAM_SHARED, 10, 0));
	assert_true(output_sampled(STDIO_KIND_PIPE, STREAM_EARLY, 10, 0));
}

static void hole_on_one_side_is_filled_from_the_other(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	memset(run.request_peer.head, 0, 32);
	memset(run.reply_peer.head, 0, 32);
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_int_equal(report.outcome, OUTCOME_ERROR);
	assert_string_equal(report.tool_id, TOOL_ID_UNKNOWN);
	run.faults = 1;
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_int_equal(report.outcome, OUTCOME_SUCCESS);
	assert_string_equal(report.tool_id, "sum");
}

/* The write was seen to return when the run had begun, and found what it wrote in the pipe: twice as much, a hole first. */
static void request_written_as_its_run_begins_is_read_at_the_readers_side(void **state)
{
	struct report report;
	struct run run;

	(void)state;
	build_run(&run);
	run.stdio[STDIO_IN].flags = STREAM_EARLY;
	run.stdio[STDIO_IN].peer.bytes *= 2;
	memset(run.request_peer.head, 0, sizeof(run.request_peer.head));
	assert_true(run_classify(&run, &track_workers, 0, &report));
	assert_string_equal(report.tool_id, "sum");
}

static void same_record_gives_the_same_report(void **state)
{
	struct report first, second;
	struct run run;

	(void)state;
	build_run(&run);
	memset(&first, 0xff, sizeof(first));
	memset(&second, 0, sizeof(second));
	assert_true(run_classify(&run, &track_workers, 0, &first));
	assert_true(run_classify(&run, &track_workers, 0, &second));
	assert_memory_equal(&first, &second, sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_situation_has_its_outcome),
		cmocka_unit_test(deadline_counts_from_the_start_of_the_call),
		cmocka_unit_test(call_that_starts_after_the_fork_is_not_believed),
		cmocka_unit_test(core_dump_is_noted),
		cmocka_unit_test(report_says_whose_run_it_was),
		cmocka_unit_test(runs_are_told_from_other_processes),
		cmocka_unit_test(run_under_way_is_identified),
		cmocka_unit_test(failed_start_without_a_command_line_counts),
		cmocka_unit_test(other_runs_are_judged_by_their_exit_alone),
		cmocka_unit_test(output_counts_when_its_end_was_seen_or_nobody_can_see_it),
		cmocka_unit_test(hole_on_one_side_is_filled_from_the_other),
		cmocka_unit_test(request_written_as_its_run_begins_is_read_at_the_readers_side),
		cmocka_unit_test(same_record_gives_the_same_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
