/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A finished HTTP exchange on an execution route as plain data: what the sinks move into metrics and spans.
 * Times are CLOCK_MONOTONIC nanoseconds. Owns nothing but itself; copy it freely.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "include/limits.h"

#define RESOURCE_ID_BYTES 128 /* longest task, agent or workflow id that becomes a label value */
#define EXEC_ID_BYTES 64      /* the first watched server uses 27 */
#define ACTION_BYTES 128      /* longest action of an agent or task that a span tells of */
#define RESOURCE_ID_INVALID "_invalid"

/* X(enum suffix, label value) */
#define EXEC_KINDS(X)                                                                              \
	X(TASK, "task")                                                                            \
	X(AGENT, "agent")                                                                          \
	X(WORKFLOW, "workflow")

#define EXEC_OPERATIONS(X)                                                                         \
	X(ASYNC, "async")   /* starts an execution and answers at once */                          \
	X(SYNC, "sync")	    /* starts an execution and answers when it is over */                  \
	X(STATUS, "status") /* asks for one */

#define EXEC_OUTCOMES(X)                                                                           \
	X(SUCCESS, "success")                                                                      \
	X(ERROR, "error")                                                                          \
	X(TIMEOUT, "timeout")

#define X(name, value) EXEC_KIND_##name,
enum exec_kind { EXEC_KINDS(X) EXEC_KIND_COUNT };
#undef X
#define X(name, value) EXEC_OPERATION_##name,
enum exec_operation { EXEC_OPERATIONS(X) EXEC_OPERATION_COUNT };
#undef X
#define X(name, value) EXEC_OUTCOME_##name,
enum exec_outcome { EXEC_OUTCOMES(X) EXEC_OUTCOME_COUNT };
#undef X

extern const char *const exec_kind_names[EXEC_KIND_COUNT];
extern const char *const exec_operation_names[EXEC_OPERATION_COUNT];
extern const char *const exec_outcome_names[EXEC_OUTCOME_COUNT];

/* Of a request's body: all that is taken from it. */
struct asked {
	uint64_t timeout_ms;	       /* 0 = not said, or not seen */
	char action[ACTION_BYTES + 1]; /* valid UTF-8; "" = the same */
};

struct exec_report {
	uint64_t exchange_id; /* struct run's exchange_id leads here */
	uint64_t connection;  /* the same for the exchanges of one connection while it lives */
	uint64_t goroutine;   /* struct exchange's */
	uint32_t server_pid;
	uint64_t server_start_ns;
	uint64_t cgroup_id;

	enum exec_kind kind;
	enum exec_operation operation;
	char resource_id[RESOURCE_ID_BYTES +
			 1];		 /* the task's, agent's or workflow's; valid UTF-8; "" */
	char exec_id[EXEC_ID_BYTES + 1]; /* "" where not known */

	/* What the server records: the status; where the client had gone first 408 or 500; 0 = nothing. */
	uint32_t code;
	uint32_t status; /* HTTP status, 0 = the connection ended without a byte of response */
	enum exec_outcome outcome; /* of a sync one; of others too, by the same rule */
	bool refused; /* 401, 403, 429: the server's middleware, before any execution; no error */
	bool client_left;   /* the client had gone before the first byte of response */
	bool cut;	    /* the connection ended within the response */
	struct asked asked; /* what the request's body says, where it is looked at */

	char traceparent[TRACEPARENT_BYTES +
			 1];		       /* as sent, blanks trimmed; "" = none, or too long */
	char tracestate[TRACESTATE_BYTES + 1]; /* whole members only; "" = none */

	uint64_t request_first_ns;  /* never 0 */
	uint64_t request_last_ns;   /* 0 = the request was never complete */
	uint64_t execution_ns;	    /* its first tool was called; 0 = not seen */
	uint64_t response_first_ns; /* 0 = none */
	uint64_t response_last_ns;
	uint64_t end_ns; /* the last byte of response, or the end of the connection */
	uint64_t
		latency_ns; /* first request byte to first response byte; without one, to the end */
};
