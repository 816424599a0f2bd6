/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a run is over whose end the kernel side could not see for itself: its process is gone, but
 * nobody was seen to read its stdout to the end, or its stderr. Pure.
 */
#include <linux/types.h>
#include <stdint.h>

#include "include/watch.h"

/*
 * How long after a run's exit its threads may take to leave, bytes on its stderr may stay unread, and a
 * server that has given up on it may still come to read its stdout.
 */
#define SETTLE_GRACE_NS (1000 * 1000 * 1000ull)
/* How long what a run left behind may hold its stdout open: the longest that a caller may wait is 5 min. */
#define SETTLE_ORPHAN_NS (600 * 1000 * 1000 * 1000ull)

enum settle {
	SETTLE_WAIT,	    /* not over */
	SETTLE_OVER,	    /* over as it is */
	SETTLE_OVER_UNREAD, /* over, and bytes on its stderr were never read */
};

/* streams: 4 bits of enum stream_state for each stream, STDIO_IN in the lowest. now_ns: CLOCK_MONOTONIC. */
enum settle run_settle(const struct run *run, unsigned streams, uint64_t now_ns);

/*
 * When the reader of a settled run's stdout met its end, 0 = it did not. One that polls (libuv) learns from a
 * hang-up that nothing is left, and never reads the end: it was there when it had read everything.
 */
uint64_t run_settled_eof_ns(const struct run *run, unsigned streams);
