/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum zombie {
	ZOMBIE_GONE,	/* somebody waited for it, or another process has its pid */
	ZOMBIE_EXITING, /* not yet one */
	ZOMBIE_WAITING, /* exited, and nobody waited for it */
};

/* A look at CLOCK_BOOTTIME, between two at CLOCK_MONOTONIC. Whoever looks may be stopped in the middle, for long. */
struct clocks {
	uint64_t before_ns;
	uint64_t boot_ns;
	uint64_t after_ns;
};

/*
 * Whether a start of CLOCK_BOOTTIME and one of CLOCK_MONOTONIC are the same, as far as that look tells: time asleep is
 * what lies between the clocks. Of a process that lives it must never say no, for its run would be given up.
 */
bool start_is(uint64_t boot_start_ns, uint64_t start_ns, const struct clocks *clocks);

/* A zombie exists, too. */
bool process_exists(uint32_t pid);

/*
 * What has become of the process with that pid, forked at start_ns of CLOCK_MONOTONIC, that was seen to
 * exit. From /proc, which has to be that of the kernel's first pid namespace.
 */
enum zombie zombie_state(uint32_t pid, uint64_t start_ns);

/* Is this the kernel's first pid namespace, and /proc its? Only there is a pid of the kernel side's what it is here. */
bool pids_are_hosts(void);
