/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A finished run as plain data: what the sinks move into metrics, spans and log lines.
 * Times are nanoseconds. Owns nothing but itself; copy it freely. Holds no payload.
 */
#include <stdbool.h>
#include <stdint.h>

#define TOOL_ID_BYTES 128     /* longest tool id that becomes a label value */
#define TOOL_EXEC_ID_BYTES 64 /* the first watched server uses 27 */
#define TOOL_ID_INVALID "_invalid"
#define TOOL_ID_UNKNOWN "unknown"

/* X(enum suffix, label value) */
#define OUTCOMES(X)                                                                                \
	X(SUCCESS, "success")                                                                      \
	X(ERROR, "error")                                                                          \
	X(TIMEOUT, "timeout")

#define ERROR_KINDS(X)                                                                             \
	X(START, "start")                                                                          \
	X(STDIN, "stdin")                                                                          \
	X(STDOUT, "stdout")                                                                        \
	X(STDERR, "stderr")                                                                        \
	X(WAIT, "wait")                                                                            \
	X(PARSE, "parse")                                                                          \
	X(TIMEOUT, "timeout")

#define SENDERS(X)                                                                                 \
	X(SERVER, "server")                                                                        \
	X(SELF, "self")                                                                            \
	X(KERNEL, "kernel")                                                                        \
	X(OOM, "oom")                                                                              \
	X(OTHER, "other")

#define X(name, value) OUTCOME_##name,
enum outcome { OUTCOMES(X) OUTCOME_COUNT };
#undef X
#define X(name, value) ERROR_KIND_##name,
enum error_kind { ERROR_KINDS(X) ERROR_KIND_COUNT };
#undef X
#define X(name, value) SENDER_##name,
enum sender { SENDERS(X) SENDER_COUNT };
#undef X

extern const char *const outcome_names[OUTCOME_COUNT];
extern const char *const error_kind_names[ERROR_KIND_COUNT];
extern const char *const sender_names[SENDER_COUNT];

struct report {
	uint32_t pid;
	uint32_t parent_pid;
	uint64_t start_ns; /* fork, CLOCK_MONOTONIC */
	uint64_t cgroup_id;
	uint32_t owner; /* what metrics_owner() says of it */

	char tool_id[TOOL_ID_BYTES + 1]; /* valid UTF-8, or TOOL_ID_INVALID, or TOOL_ID_UNKNOWN */
	char tool_exec_id[TOOL_EXEC_ID_BYTES + 1]; /* "" where not known */
	uint64_t timeout_ms;			   /* 0 = not in the request */

	enum outcome outcome;
	uint32_t error_kinds; /* bit 1u << enum error_kind; more than one only with stderr beside
				 another */
	bool timed_out; /* the server killed it at its deadline: runtime_tool_timeouts_total */
	bool adopted;	/* was under way when the agent started */

	bool exited;	/* false: it never ran (failed to start), the exit fields below are 0 */
	uint8_t status; /* exit status, when signal is 0 */
	uint8_t signal; /* number of the signal that ended it, 0 = none */
	bool core_dumped;
	enum sender sender; /* of that signal */

	bool has_output; /* stdout reached EOF: output_bytes is a sample */
	bool has_startup;
	uint64_t latency_ns;  /* fork to the later of exit and stdout's EOF */
	uint64_t startup_ns;  /* fork to the first read of the request */
	uint64_t cpu_ns;      /* user + system, all threads */
	uint64_t main_cpu_ns; /* these three add up to the main thread's life */
	uint64_t main_runqueue_ns;
	uint64_t main_wait_ns;
	uint64_t max_rss_bytes;
	uint64_t input_bytes;
	uint64_t output_bytes;
	uint64_t stderr_bytes;
};

/* The kind that decided the outcome: stderr only where there is no other. ERROR_KIND_COUNT = none. */
enum error_kind report_error_kind(const struct report *report);
/* "SIGKILL" for 9; "SIGRTMIN+3" style for real-time ones; "" for 0. A static string. */
const char *signal_name(unsigned number);
