/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A record for each way in which a run can end, and what it must be classified as. */
#include <errno.h>
#include <signal.h>

#include "run/builder.h"
#include "run/classify.h"

#define EXIT_STATUS(status) ((status) << 8)
#define KIND(name) (1u << ERROR_KIND_##name)

static const char *const workers[] = {"*/bun_worker.ts"};
static const struct classify_config track_workers = {.workers = workers, .workers_count = 1};
static const struct classify_config track_all = {
	.track_all = true, .workers = workers, .workers_count = 1};

static inline void reply_with(struct run *run, const char *text)
{
	uint64_t eof_ns = run->stdio[STDIO_OUT].peer.eof_ns;

	build_reply(run, text, strlen(text));
	run->stdio[STDIO_OUT].peer.eof_ns = eof_ns;
}

/* The server wrote the request, and the run read nothing of it. */
static inline void write_only(struct run *run, const char *request)
{
	build_request_read(run, "", 0);
	run->stdio[STDIO_IN].self.eof_ns = 0;
	build_request_written(run, request, strlen(request));
}

#define HALF_REQUEST "{\"tool_id\":\"sum\",\"timeout_ms\":1000,\"input\":{\"a\":["
#define HALF_REQUEST_WITHOUT_TIMEOUT "{\"tool_id\":\"sum\",\"input\":{\"a\":["

static inline void kill_by(struct run *run, uint64_t ms, uint32_t pid)
{
	reply_with(run, "");
	build_signal(run, ms, SIGKILL, pid, SI_USER);
}

static inline void result(struct run *run)
{
	(void)run;
}

static inline void nothing_on_stdout(struct run *run)
{
	reply_with(run, "");
}

static inline void rejected(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
}

static inline void not_json(struct run *run)
{
	reply_with(run, "hello\n" BUILD_SUCCESS);
}

static inline void exit_3(struct run *run)
{
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(3));
}

static inline void exit_1_after_failure(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
}

static inline void killed_by_stranger(struct run *run)
{
	kill_by(run, 700, BUILD_STRANGER);
}

static inline void killed_by_stranger_at_the_deadline(struct run *run)
{
	kill_by(run, 998, BUILD_STRANGER);
}

static inline void out_of_memory(struct run *run)
{
	reply_with(run, "");
	build_signal(run, 700, SIGKILL, BUILD_PID, SI_KERNEL);
	run->oom_ns = build_ns(699);
}

static inline void crash(struct run *run)
{
	reply_with(run, "");
	build_signal(run, 300, SIGSEGV, BUILD_PID, SEGV_MAPERR);
	run->exit_code |= 0x80;
}

static inline void terminated(struct run *run)
{
	build_signal(run, 300, SIGTERM, BUILD_SERVER, SI_USER);
}

static inline void deadline(struct run *run)
{
	kill_by(run, 1000, BUILD_SERVER);
}

static inline void deadline_in_the_window(struct run *run)
{
	kill_by(run, 950, BUILD_SERVER);
}

static inline void deadline_of_an_early_call(struct run *run)
{
	kill_by(run, 800, BUILD_SERVER);
}

static inline void default_deadline(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	kill_by(run, 60000, BUILD_SERVER);
}

static inline void cancelled_before_the_default_deadline(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	kill_by(run, 59949, BUILD_SERVER);
}

static inline void endless_timeout(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\",\"timeout_ms\":18446744073709551615}");
	kill_by(run, 60000, BUILD_SERVER);
}

static inline void deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	deadline(run);
}

/* The timeout stands at the end, which was not written: only the default can be assumed. */
static inline void default_deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST_WITHOUT_TIMEOUT);
	kill_by(run, 60000, BUILD_SERVER);
}

static inline void unknown_deadline_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST_WITHOUT_TIMEOUT);
	kill_by(run, 1000, BUILD_SERVER);
}

/* The pipe took the first part; the last one was seen in the server's buffer, and has the timeout. */
static inline void offered(struct run *run, const char *tail)
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

static inline void offered_deadline_while_it_writes(struct run *run)
{
	offered(run, ",\"timeout_ms\":1000}");
	kill_by(run, 1000, BUILD_SERVER);
}

static inline void offered_cancelled_while_it_writes(struct run *run)
{
	offered(run, ",\"timeout_ms\":3000}");
	kill_by(run, 1000, BUILD_SERVER);
}

static inline void deadline_then_broken_pipe(struct run *run)
{
	deadline(run);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static inline void deadline_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	deadline(run);
}

static inline void deadline_after_a_reply(struct run *run)
{
	reply_with(run, BUILD_SUCCESS);
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
}

static inline void deadline_after_a_failure(struct run *run)
{
	reply_with(run, BUILD_FAILURE);
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
}

static inline void grandchild_past_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(3000);
}

static inline void grandchild_to_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(1000);
}

static inline void grandchild_within_the_deadline(struct run *run)
{
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(999);
}

static inline void failing_with_grandchild_past_the_deadline(struct run *run)
{
	exit_3(run);
	grandchild_past_the_deadline(run);
}

static inline void slow_without_a_timeout(struct run *run)
{
	build_request(run, "{\"tool_id\":\"sum\"}");
	build_exit(run, 70000, 0);
}

static inline void cancelled(struct run *run)
{
	kill_by(run, 949, BUILD_SERVER);
}

/* Whoever reads on sees the end that the kill made. */
static inline void cancelled_and_read_at_once(struct run *run)
{
	cancelled(run);
	run->stdio[STDIO_OUT].peer.eof_ns = run->kill.ns;
}

static inline void lingering_over_the_deadline(struct run *run)
{
	build_signal(run, 1001, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(1000);
}

static inline void cancelled_while_it_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 300, BUILD_SERVER);
}

static inline void cancelled_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	kill_by(run, 10, BUILD_SERVER);
}

static inline void cancelled_with_grandchild(struct run *run)
{
	kill_by(run, 300, BUILD_SERVER);
	grandchild_past_the_deadline(run);
}

static inline void lingering_to_the_deadline(struct run *run)
{
	build_signal(run, 1000, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(400);
}

static inline void lingering_and_cancelled(struct run *run)
{
	build_signal(run, 600, SIGKILL, BUILD_SERVER, SI_USER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(400);
}

static inline void output_over_the_limit(struct run *run)
{
	run->stdio[STDIO_OUT].peer.bytes = STDOUT_LIMIT_BYTES + 1;
	build_signal(run, 600, SIGKILL, BUILD_SERVER, SI_USER);
}

static inline void output_over_the_limit_then_exit(struct run *run)
{
	run->stdio[STDIO_OUT].peer.bytes = STDOUT_LIMIT_BYTES + 1;
}

static inline void output_at_the_limit(struct run *run)
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

static inline void failed_read_of_stdout(struct run *run)
{
	run->stdio[STDIO_OUT].peer.error = -EIO;
}

static inline void broken_pipe_on_stdin(struct run *run)
{
	write_only(run, HALF_REQUEST);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
}

static inline void reset_on_stdin(struct run *run)
{
	broken_pipe_on_stdin(run);
	run->stdio[STDIO_IN].peer.error = -ECONNRESET;
}

static inline void broken_pipe_then_kill(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 30, BUILD_SERVER);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static inline void killed_by_stranger_while_the_server_writes(struct run *run)
{
	write_only(run, HALF_REQUEST);
	kill_by(run, 30, BUILD_STRANGER);
	run->stdio[STDIO_IN].peer.error = -EPIPE;
}

static inline void dead_at_boot(struct run *run)
{
	write_only(run, BUILD_REQUEST);
	reply_with(run, "");
	build_exit(run, 5, EXIT_STATUS(127));
}

static inline void failed_exec(struct run *run)
{
	run->flags &= ~(uint32_t)RUN_CONFIRMED;
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	build_exit(run, 2, EXIT_STATUS(253));
	memset(run->stdio, 0, sizeof(run->stdio));
}

static inline void unread_stderr(struct run *run)
{
	run->stdio[STDIO_ERR].flags = STREAM_UNREAD;
}

static inline void unread_stderr_and_failure(struct run *run)
{
	rejected(run);
	unread_stderr(run);
}

static inline void failed_read_of_stderr(struct run *run)
{
	run->stdio[STDIO_ERR].peer.error = -EIO;
}

static inline void failed_read_of_shared_stderr(struct run *run)
{
	failed_read_of_stderr(run);
	run->stdio[STDIO_ERR].flags = STREAM_SHARED;
}

/* The server is gone: nobody read what the run wrote, nor met its end. */
static inline void server_died(struct run *run)
{
	reply_with(run, "");
	build_exit(run, BUILD_EXIT_MS, EXIT_STATUS(1));
	memset(&run->stdio[STDIO_OUT].peer, 0, sizeof(struct flow));
	run->stdio[STDIO_OUT].self.error = -EPIPE;
}

static inline void server_died_unnoticed(struct run *run)
{
	server_died(run);
	run->stdio[STDIO_OUT].peer = (struct flow){.bytes = 3, .pid = BUILD_SERVER};
	run->exit_code = 0;
}

/* Seen from the middle: half a reply, and nothing of the request. */
static inline void adopted(struct run *run)
{
	run->flags |= RUN_ADOPTED;
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	reply_with(run, "ll," BUILD_METADATA);
}

static inline void adopted_and_failing(struct run *run)
{
	adopted(run);
	exit_3(run);
}

static inline void adopted_in_time(struct run *run)
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
