/* SPDX-License-Identifier: Apache-2.0 */
#include "run/classify.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

#define EXIT_STATUS(status) ((status) << 8)
#define KIND(name) (1u << ERROR_KIND_##name)

static const char *const workers[] = {"*/bun_worker.ts"};
static const struct classify_config track_workers = {.workers = workers, .workers_count = 1};
static const struct classify_config track_all = {
	.track_all = true, .workers = workers, .workers_count = 1};

static void reply_with(struct run *run, const char *text)
{
	uint64_t eof_ns = run->stdio[STDIO_OUT].peer.eof_ns;

	build_reply(run, text, strlen(text));
	run->stdio[STDIO_OUT].peer.eof_ns = eof_ns;
}

/* The server wrote the request, and the run read nothing of it. */
static void write_only(struct run *run, const char *request)
{
	build_request_read(run, "", 0);
	run->stdio[STDIO_IN].self.eof_ns = 0;
	build_request_written(run, request, strlen(request));
}

#define HALF_REQUEST "{\"tool_id\":\"sum\",\"timeout_ms\":1000,\"input\":{\"a\":["
#define HALF_REQUEST_WITHOUT_TIMEOUT "{\"tool_id\":\"sum\",\"input\":{\"a\":["

static void kill_by(struct run *run, uint64_t ms, uint32_t pid)
{
	reply_with(run, "");
	build_signal(run, ms, SIGKILL, pid, SI_USER);
}

static void result(struct run *run)
{
	(void)run;
}

static void nothing_on_stdout(struct run *run)
{
	reply_with(run, "");
}

static void rejected(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
}

static void not_json(struct run *run)
{
	reply_with(run, "hello\n" BUILD_SUCCESS);
}

static void exit_3(struct run *run)
{
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(3));
}

static void exit_1_after_failure(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
}

static void killed_by_stranger(struct run *run)
{
	kill_by(run, 700, BUILD_STRANGER);
}

static void killed_by_stranger_at_the_deadline(struct run *run)
{
	kill_by(run, 998, BUILD_STRANGER);
}

static void out_of_memory(struct run *run)
{
	reply_with(run, "");
	build_signal(run, 700, SIGKILL, BUILD_PID, SI_KERNEL);
	run->oom_ns = build_ns(699);
}

static void crash(struct run *run)
{
	reply_with(run, "");
	build_signal(run, 300, SIGSEGV, BUILD_PID, SEGV_MAPERR);
	run->exit_code |= 0x80;
}

static void terminated(struct run *run)
{
	build_signal(run, 300, SIGTERM, BUILD_SERVER, SI_USER);
}

static void deadline(struct run *run)
{
	kill_by(run, 1000, BUILD_SERVER);
}

static void deadline_in_the_window(struct run *run)
{
	kill_by(run, 950, BUILD_SERVER);
}

static void deadline_of_an_early_call(struct run *run)
{
	kill_by(run, 800, BUILD_SERVER);
}

static void default_deadline(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	kill_by(run, 60000, BUILD_SERVER);
}

static void cancelled_before_the_default_deadline(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	kill_by(run, 59949, BUILD_SERVER);
}

static void endless_timeout(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\",\"timeout_ms\":18446744073709551615}");
	kill_by(run, 60000, BUILD_SERVER);
}

static void deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	deadline(run);
}

/* The timeout stands at the end, which was not written: only the default can be assumed. */
static void default_deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST_WITHOUT_TIMEOUT);
	kill_by(run, 60000, BUILD_SERVER);
}

static void unknown_deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST_WITHOUT_TIMEOUT);
	kill_by(run, 1000, BUILD_SERVER);
}

/* The pipe took the first part; the last one was seen in the server's buffer, and has the timeout. */
static void offered(struct run *run, const char *tail)
{
	char request[REQUEST_HEAD_BYTES * 2];

	memset(request, ' ', sizeof(request));
	memcpy(request, "{\"tool_id\":\"sum\"", strlen("{\"tool_id\":\"sum\""));
	write_only(run, "");
	build_request_written(run, request, sizeof(request));
	run->request_offered_bytes = 1000000;
	memset(run->request_offered_tail, ' ', REQUEST_TAIL_BYTES);
	memcpy(run->request_offered_tail + REQUEST_TAIL_BYTES - strlen(tail), tail, strlen(tail));
}

static void offered_deadline_while_it_writes(struct run *run)
{
	offered(run, ",\"timeout_ms\":1000}");
	kill_by(run, 1000, BUILD_SERVER);
}

static void offered_cancelled_while_it_writes(struct run *run)
{
	offered(run, ",\"timeout_ms\":3000}");
	kill_by(run, 1000, BUILD_SERVER);
}

static void deadline_then_broken_pipe(struct run *run)
{
	deadline(run);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static void deadline_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	deadline(run);
}

static void deadline_after_a_reply(struct run *run)
{
	reply_with(run, BUILD_SUCCESS);
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
}

static void deadline_after_a_failure(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
}

static void grandchild_past_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(3000);
}

static void grandchild_to_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(1000);
}

static void grandchild_within_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(999);
}

static void failing_with_grandchild_past_the_deadline(struct run *run)
{
	exit_3(run);
	grandchild_past_the_deadline(run);
}

static void slow_without_a_timeout(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	build_exit(run, 70000, 0);
}

static void cancelled(struct run *run)
{
	kill_by(run, 949, BUILD_SERVER);
}

/* Whoever reads on sees the end that the kill made. */
static void cancelled_and_read_at_once(struct run *run)
{
	cancelled(run);
	run->stdio[STDIO_OUT].peer.eof_ns = run->kill.ns;
}

static void lingering_over_the_deadline(struct run *run)
{
	build_signal(run, 1001, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(1000);
}

static void cancelled_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 300, BUILD_SERVER);
}

static void cancelled_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	kill_by(run, 10, BUILD_SERVER);
}

static void cancelled_with_grandchild(struct run *run)
{
	kill_by(run, 300, BUILD_SERVER);
	grandchild_past_the_deadline(run);
}

static void lingering_to_the_deadline(struct run *run)
{
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(400);
}

static void lingering_and_cancelled(struct run *run)
{
	build_signal(run, 600, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(400);
}

static void output_over_the_limit(struct run *run)
{
	run->stdio[STDIO_OUT].peer.bytes = STDOUT_LIMIT_BYTES + 1;
	build_signal(run, 600, SIGKILL, BUILD_SERVER, SI_USER);
}

static void output_over_the_limit_then_exit(struct run *run)
{
	run->stdio[STDIO_OUT].peer.bytes = STDOUT_LIMIT_BYTES + 1;
}

static void output_at_the_limit(struct run *run)
{
	static uint8_t reply[REPLY_HEAD_BYTES + REPLY_TAIL_BYTES + 1];

	/* The tail ring turns whole with a stream of a multiple of its size. */
	memset(reply, 'x', sizeof(reply));
	memcpy(reply, "{\"result\":\"", 11);
	memcpy(reply + 512 - strlen("\",\"error\":null," BUILD_METADATA),
	       "\",\"error\":null," BUILD_METADATA, strlen("\",\"error\":null," BUILD_METADATA));
	build_reply(run, reply, 512);
	run->stdio[STDIO_OUT].peer.bytes = STDOUT_LIMIT_BYTES;
}

static void failed_read_of_stdout(struct run *run)
{
	run->stdio[STDIO_OUT].peer.error = -EIO;
}

static void broken_pipe_on_stdin(struct run *run)
{
	write_only(run, HALF_REQUEST);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
}

static void reset_on_stdin(struct run *run)
{
	broken_pipe_on_stdin(run);
	run->stdio[STDIO_IN].peer.error = -ECONNRESET;
}

static void broken_pipe_then_kill(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 30, BUILD_SERVER);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static void killed_by_stranger_while_the_server_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 30, BUILD_STRANGER);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static void dead_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	reply_with(run, "");
	build_exit(run, 5, EXIT_STATUS(127));
}

static void failed_exec(struct run *run)
{
	run->flags &= ~(uint32_t)RUN_CONFIRMED;
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	build_exit(run, 2, EXIT_STATUS(253));
	memset(run->stdio, 0, sizeof(run->stdio));
}

static void unread_stderr(struct run *run)
{
	run->stdio[STDIO_ERR].flags = STREAM_UNREAD;
}

static void unread_stderr_and_failure(struct run *run)
{
	rejected(run);
	unread_stderr(run);
}

static void failed_read_of_stderr(struct run *run)
{
	run->stdio[STDIO_ERR].peer.error = -EIO;
}

static void failed_read_of_shared_stderr(struct run *run)
{
	failed_read_of_stderr(run);
	run->stdio[STDIO_ERR].flags = STREAM_SHARED;
}

/* The server is gone: nobody read what the run wrote, nor met its end. */
static void server_died(struct run *run)
{
	reply_with(run, "");
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
	memset(&run->stdio[STDIO_OUT].peer, 0, sizeof(struct flow));
	run->stdio[STDIO_OUT].self.error = -EPIPE;
}

static void server_died_unnoticed(struct run *run)
{
	server_died(run);
	run->stdio[STDIO_OUT].peer = (struct flow){.bytes = 3, .pid = BUILD_SERVER};
	run->exit_code = 0;
}

/* Seen from the middle: half a reply, and nothing of the request. */
static void adopted(struct run *run)
{
	run->flags |= RUN_ADOPTED;
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	reply_with(run, "ll," BUILD_METADATA);
}

static void adopted_and_failing(struct run *run)
{
	adopted(run);
	exit_3(run);
}

static void adopted_in_time(struct run *run)
{
	run->flags |= RUN_ADOPTED;
	reply_with(run, BUILD_FAILURE);
}

/* How the process ended: status, signal, sender. */
#define EXIT(status) status, 0, SENDER_OTHER
#define BY(signal, sender) 0, SIG##signal, SENDER_##sender

struct expected {
	const char *row;
	void (*arrange)(struct run *run);
	enum outcome outcome;
	uint32_t kinds;
	uint8_t status;
	uint8_t signal;
	enum sender sender;
	bool has_output;
};

/* COMPOZY.md, part 5. */
static const struct expected situations[] = {
	{"1", result, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"2", nothing_on_stdout, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"3", rejected, OUTCOME_ERROR, KIND(PARSE), EXIT(0), true},
	{"4", not_json, OUTCOME_ERROR, KIND(PARSE), EXIT(0), true},
	{"5", exit_3, OUTCOME_ERROR, KIND(WAIT), EXIT(3), true},
	{"5 failure", exit_1_after_failure, OUTCOME_ERROR, KIND(WAIT), EXIT(1), true},
	{"6", killed_by_stranger, OUTCOME_ERROR, KIND(WAIT), BY(KILL, OTHER), true},
	{"6 late", killed_by_stranger_at_the_deadline, OUTCOME_ERROR, KIND(WAIT), BY(KILL, OTHER),
	 true},
	{"7", out_of_memory, OUTCOME_ERROR, KIND(WAIT), BY(KILL, OOM), true},
	{"8", crash, OUTCOME_ERROR, KIND(WAIT), BY(SEGV, KERNEL), true},
	{"8 SIGTERM", terminated, OUTCOME_ERROR, KIND(WAIT), BY(TERM, SERVER), true},
	{"9", deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"9 window", deadline_in_the_window, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER),
	 true},
	{"9 default", default_deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"9 boot", deadline_at_boot, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"10", deadline_while_it_writes, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER), false},
	{"10 default", default_deadline_while_it_writes, OUTCOME_TIMEOUT, KIND(TIMEOUT),
	 BY(KILL, SERVER), false},
	{"10 unknown", unknown_deadline_while_it_writes, OUTCOME_ERROR, KIND(STDIN),
	 BY(KILL, SERVER), false},
	{"10 offered", offered_deadline_while_it_writes, OUTCOME_TIMEOUT, KIND(TIMEOUT),
	 BY(KILL, SERVER), false},
	{"13 offered", offered_cancelled_while_it_writes, OUTCOME_ERROR, KIND(STDIN),
	 BY(KILL, SERVER), false},
	{"10 EPIPE", deadline_then_broken_pipe, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER),
	 false},
	{"11", deadline_after_a_reply, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"11 failure", deadline_after_a_failure, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER),
	 true},
	{"12", grandchild_past_the_deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT), EXIT(0), true},
	{"12 just", grandchild_to_the_deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT), EXIT(0), true},
	{"12 exit", failing_with_grandchild_past_the_deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT),
	 EXIT(3), true},
	{"12 in time", grandchild_within_the_deadline, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"12 default", slow_without_a_timeout, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"13", cancelled, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"13 at once", cancelled_and_read_at_once, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER),
	 true},
	{"13 default", cancelled_before_the_default_deadline, OUTCOME_ERROR, KIND(TIMEOUT),
	 BY(KILL, SERVER), true},
	{"13 endless", endless_timeout, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"13 boot", cancelled_at_boot, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"13 grandchild", cancelled_with_grandchild, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER),
	 true},
	{"13 stdin", cancelled_while_it_writes, OUTCOME_ERROR, KIND(STDIN), BY(KILL, SERVER),
	 false},
	{"14", lingering_to_the_deadline, OUTCOME_ERROR, KIND(WAIT), BY(KILL, SERVER), true},
	{"14 late", lingering_over_the_deadline, OUTCOME_TIMEOUT, KIND(TIMEOUT), BY(KILL, SERVER),
	 true},
	{"14 cancelled", lingering_and_cancelled, OUTCOME_ERROR, KIND(WAIT), BY(KILL, SERVER),
	 true},
	{"15", cancelled, OUTCOME_ERROR, KIND(TIMEOUT), BY(KILL, SERVER), true},
	{"16", output_over_the_limit, OUTCOME_ERROR, KIND(STDOUT), BY(KILL, SERVER), false},
	{"16 exit", output_over_the_limit_then_exit, OUTCOME_ERROR, KIND(STDOUT), EXIT(0), false},
	{"16 limit", output_at_the_limit, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"17", failed_read_of_stdout, OUTCOME_ERROR, KIND(STDOUT), EXIT(0), false},
	{"18", broken_pipe_on_stdin, OUTCOME_ERROR, KIND(STDIN), EXIT(1), false},
	{"18 socket", reset_on_stdin, OUTCOME_ERROR, KIND(STDIN), EXIT(1), false},
	{"18 kill", broken_pipe_then_kill, OUTCOME_ERROR, KIND(STDIN), BY(KILL, SERVER), false},
	{"18 stranger", killed_by_stranger_while_the_server_writes, OUTCOME_ERROR, KIND(STDIN),
	 BY(KILL, OTHER), false},
	{"19", dead_at_boot, OUTCOME_ERROR, KIND(WAIT), EXIT(127), true},
	{"20", failed_exec, OUTCOME_ERROR, KIND(START), EXIT(0), false},
	{"23", unread_stderr, OUTCOME_SUCCESS, KIND(STDERR), EXIT(0), true},
	{"23 failure", unread_stderr_and_failure, OUTCOME_ERROR, KIND(PARSE) | KIND(STDERR),
	 EXIT(0), true},
	{"23 read", failed_read_of_stderr, OUTCOME_SUCCESS, KIND(STDERR), EXIT(0), true},
	{"23 shared", failed_read_of_shared_stderr, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"24", server_died, OUTCOME_ERROR, KIND(WAIT), EXIT(1), true},
	{"24 unnoticed", server_died_unnoticed, OUTCOME_ERROR, KIND(WAIT), EXIT(0), true},
	{"27", adopted, OUTCOME_SUCCESS, 0, EXIT(0), true},
	{"27 exit", adopted_and_failing, OUTCOME_ERROR, KIND(WAIT), EXIT(3), true},
	{"27 in time", adopted_in_time, OUTCOME_ERROR, KIND(PARSE), EXIT(0), true},
};

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
		cmocka_unit_test(same_record_gives_the_same_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
