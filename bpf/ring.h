/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

#include "bpf/maps.h"

/*
 * User space looks into the ring ten times a second and at each scrape anyway. It is woken only when the
 * ring fills faster than that: a wake-up costs more than everything else that it does for a record.
 */
static __always_inline __u64 ring_wakeup(void)
{
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) <
	    bpf_ringbuf_query(&ring, BPF_RB_RING_SIZE) / 4)
		return BPF_RB_NO_WAKEUP;
	return BPF_RB_FORCE_WAKEUP;
}
