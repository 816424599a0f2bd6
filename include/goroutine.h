/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A goroutine is the address of its struct g: it moves between threads, and its stack moves. Of those that have ended
 * addresses are used again. Needs __u32 and __u64 from its includer.
 */
struct goroutine_key {
	__u64 goroutine;
	__u32 tgid;
	__u32 pad;
};
