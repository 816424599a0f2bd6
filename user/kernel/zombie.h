/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum zombie {
	ZOMBIE_GONE,	/* somebody waited for it, or another process has its pid */
	ZOMBIE_EXITING, /* not yet one */
	ZOMBIE_WAITING, /* exited, and nobody waited for it */
};

/* A zombie exists, too. */
bool process_exists(uint32_t pid);

/*
 * What has become of the process with that pid, forked at start_ns of CLOCK_MONOTONIC, that was seen to
 * exit. From /proc, which has to be that of the kernel's first pid namespace.
 */
enum zombie zombie_state(uint32_t pid, uint64_t start_ns);

/* Is this the kernel's first pid namespace, and /proc its? Only there is a pid of the kernel side's what it is here. */
bool pids_are_hosts(void);
