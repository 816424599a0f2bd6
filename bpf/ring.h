/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "bpf/maps.h"

/*
 * User space looks into the ring ten times a second and at each scrape anyway. It is woken only when the
 * ring fills faster than that: a wake-up costs more than everything else that it does for a record. Once: not again
 * by each record that comes before it gets to the ring. A sixteenth, and not one record: others write meanwhile.
 */
static __always_inline __u64 ring_wakeup(void)
{
	__u64 size = bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE);
	__u64 over = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) - size / 4;

	return over < size / 16 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}
