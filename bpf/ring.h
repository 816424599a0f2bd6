/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "bpf/maps.h"

#include "include/run.h"

/*
 * User space looks into the ring ten times a second and at each scrape anyway. It is woken only when the
 * ring fills faster than that: a wake-up costs more than everything else that is done for a record, 10 us for who sends
 * it. Once: not again by each record that comes before it gets to the ring. Others write meanwhile, hence not by the
 * one record that makes it a quarter alone.
 */
#define WAKEUP_BYTES (4 * sizeof(struct run))

static __always_inline __u64 ring_wakeup(void)
{
	__u64 size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
	__u64 over = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) - size / 4;

	return over < WAKEUP_BYTES ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}
