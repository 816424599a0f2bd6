/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One poll loop of a synchronous workflow, as plain data; seen, or guessed from how long its exchange took. */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/report.h"
#include "include/polls.h"

#define POLL_OUTCOMES(X)                                                                           \
	X(COMPLETED, "completed")                                                                  \
	X(TIMEOUT, "timeout") /* deadline, or the client left */                                   \
	X(ERROR, "error")     /* of the store */

#define X(name, value) POLL_OUTCOME_##name,
enum poll_outcome { POLL_OUTCOMES(X) POLL_OUTCOME_COUNT };
#undef X

extern const char *const poll_outcome_names[POLL_OUTCOME_COUNT];

struct poll_report {
	char exec_id[POLL_EXEC_ID_BYTES + 1];
	char workflow_id[POLL_WORKFLOW_ID_BYTES + 1]; /* "" where it is not one */
	enum poll_outcome outcome;
	uint32_t polls; /* a last fetch after the deadline is none */
	uint64_t begin_ns;
	uint64_t end_ns;
	uint64_t timeout_ns;
	uint64_t goroutine;
	uint32_t server_pid;
	size_t times_count; /* the first ones; of polls */
	uint64_t times_ns[POLL_TIMES_MAX];
};

/* The only place where bytes become a struct poll_loop. True and *ret pointing into bytes; one under way, too. */
bool poll_loop_decode(const void *bytes, size_t n, const struct poll_loop **ret);
/* Of one that has ended. */
void poll_loop_report(const struct poll_loop *loop, struct poll_report *ret);
/*
 * The loop of a synchronous workflow whose polls nobody saw, from its exchange: as many as fit into the time between request
 * and response by the first watched server's schedule, at once, after 0.2 s, then each time twice as long, at most 5 s. The
 * schedule's jitter of a tenth is not known: docs/go.md says what that costs. times_count is 0. False where
 * the exchange is no such workflow's, or was refused before it could poll.
 */
bool poll_loop_estimate(const struct exec_report *exchange, struct poll_report *ret);
