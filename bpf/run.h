/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The life of a run's record: begun at exec, filled by all families, sent when it is over. */
#include "bpf/maps.h"
#include "bpf/ring.h"
#include "bpf/stream.h"

static __always_inline struct run *run_find(__u32 tgid, __u64 start_ns)
{
	struct run_key key = {.start_ns = start_ns, .tgid = tgid};

	return bpf_map_lookup_elem(&runs, &key);
}

/* From here on it is one of the runs begun. */
static __always_inline void run_count(struct run *run)
{
	if (run->ordinal)
		return;
	run->cpu = bpf_get_smp_processor_id();
	run->ordinal = counter_add(KERNEL_RUNS_BEGUN, 1);
}

/* Are bytes of the run's stderr still unread? Asked only where a reader was seen at all. None are behind the end. */
static __always_inline bool run_stderr_pending(const struct run *run)
{
	const struct stream *stream = &run->stdio[STDIO_ERR];

	if (!stream_has_peer(stream) || stream->flags & STREAM_SHARED)
		return false;
	return stream->peer.pid && !stream->peer.eof_ns && stream->peer.bytes < stream->self.bytes;
}

/*
 * All threads are gone, its stdout was read to the end, and its stderr is drained. Where that cannot
 * be seen from the transfers of watched processes, user space asks for the streams' state and decides.
 */
static __always_inline bool run_is_over(const struct run *run)
{
	const struct stream *out = &run->stdio[STDIO_OUT];

	if (!run->gone_ns)
		return false;
	if (!(run->flags & (RUN_CONFIRMED | RUN_COMMITTED)))
		return true;
	if (stream_has_peer(out) && !out->peer.eof_ns)
		return false;
	return !run_stderr_pending(run);
}

static __always_inline void run_forget_streams(const struct run *run)
{
	for (__u32 i = 0; i < STDIO_COUNT; i++)
		stream_forget(run, i);
}

/*
 * Takes a run out of the map, and with it all that leads to it. False when somebody else did: who deletes the
 * map's entry owns the record, so it is sent once.
 */
static __always_inline bool run_remove(struct run *run)
{
	struct run_key key = run->key;
	struct stream_filter filter;

	stream_filter_of(&filter, run);
	run_forget_streams(run);
	if (map_delete(&runs, &key) < 0)
		return false;
	stream_filter_add(&filter, -1);
	return true;
}

/* Sends a run that is over. */
static __always_inline void run_send(struct run *run)
{
	struct run *sent = bpf_ringbuf_reserve(&ring, sizeof(*sent), 0);

	if (!sent) {
		run->over = 1;
		counter_add(KERNEL_RING_FULL, 1);
		return;
	}
	bpf_probe_read_kernel(sent, sizeof(*sent), run);
	if (!run_remove(run)) {
		bpf_ringbuf_discard(sent, BPF_RB_NO_WAKEUP);
		return;
	}
	counter_add(KERNEL_RUNS_SENT, 1);
	bpf_ringbuf_submit(sent, ring_wakeup());
}

static __always_inline void run_send_if_over(struct run *run)
{
	if (!run->over && run_is_over(run))
		run_send(run);
}
