/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One poll loop of a synchronous workflow in a Go server: from the entry of the function that polls to its return.
 * Needs __u32 and __u64 from its includer. Times are CLOCK_MONOTONIC nanoseconds. All texts are hostile.
 */
#include "include/goroutine.h"

/* Poll loops under way at once, 1 KiB each: a server allows 300 s, and holds a connection for each. */
#define POLL_LOOPS_MAX 4096
/* Fetches whose time is kept: 300 s take about 70. All are counted. */
#define POLL_TIMES_MAX 80
/* An execution id: the first watched server's have 27. A longer one is none. */
#define POLL_EXEC_ID_BYTES 64
/* As much as a label value may have. */
#define POLL_WORKFLOW_ID_BYTES 128

struct poll_loop {
	struct goroutine_key key;
	__u64 begin_ns;
	__u64 end_ns;
	__u64 timeout_ns;
	__u64 exec_id_address; /* the same string has the same address while the loop runs */
	/* Not 0: over, but the ring could not take it. In the map this is in its goroutine's place until the sweep. */
	__u64 waits_as;
	__u32 exec_id_bytes;
	__u32 workflow_id_bytes; /* above POLL_WORKFLOW_ID_BYTES: it was longer, and not read */
	__u32 fetches;		 /* the last one, after a deadline, too */
	__u16 timed_out;	 /* as the function returned it */
	__u16 failed;		 /* it returned an error */
	__u64 fetch_ns[POLL_TIMES_MAX];
	__u8 exec_id[POLL_EXEC_ID_BYTES];
	__u8 workflow_id[POLL_WORKFLOW_ID_BYTES];
};

#define POLL_LOOP_OFFSETS(X)                                                                       \
	X(key, 0)                                                                                  \
	X(begin_ns, 16)                                                                            \
	X(exec_id_bytes, 56)                                                                       \
	X(fetch_ns, 72)                                                                            \
	X(exec_id, 712)                                                                            \
	X(workflow_id, 776)

#define X(member, offset)                                                                          \
	_Static_assert(__builtin_offsetof(struct poll_loop, member) == (offset), "both sides "     \
										 "agree");
POLL_LOOP_OFFSETS(X)
#undef X
_Static_assert(sizeof(struct poll_loop) == 904, "both sides agree");
