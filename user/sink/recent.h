/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last runs that ended, with their timelines: /api/runs. */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "run/detail.h"
#include "run/report.h"

#define RECENT_RUNS 100 /* a page of a screen or two; some 50 KB */

/* X(field of struct run_detail, its name) */
#define RECENT_STEPS(X)                                                                            \
	X(exec_ns, "exec")                                                                         \
	X(first_read_ns, "first_read")                                                             \
	X(first_byte_ns, "first_byte")                                                             \
	X(signal_ns, "signal")                                                                     \
	X(exit_ns, "exit")                                                                         \
	X(eof_ns, "eof")

struct recent_run {
	struct report report;
#define X(field, name) uint64_t field; /* after the fork; 0 = not seen */
	RECENT_STEPS(X)
#undef X
};

struct recent {
	struct recent_run runs[RECENT_RUNS]; /* a ring */
	size_t count;			     /* ever added */
};

void recent_add(struct recent *recent, const struct report *report,
		const struct run_detail *detail);
/*
 * Appends them, the last one last, a JSON object a line: what `bunscope tail --json` prints but for the pids, which
 * have no use once a run is over; `started`, Unix time; `timeline`, seconds after the fork.
 * realtime_ns: CLOCK_REALTIME at CLOCK_MONOTONIC 0.
 */
void recent_write(const struct recent *recent, uint64_t realtime_ns, struct buf *out);
