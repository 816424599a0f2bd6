/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/zombie.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* In proc(5) starttime is the 22nd field; behind the name in parentheses the 3rd comes first. */
#define FIELDS_TO_START (22 - 3)
/* starttime is in clock ticks, cut off, of another clock. */
#define START_TOLERANCE_NS (20 * NS_PER_MS)

/* Inode of the first pid namespace: include/linux/proc_ns.h. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

/* The fields behind the name, which may hold anything, parentheses too. */
static const char *stat_fields(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

static bool started_at(const char *fields, uint64_t start_ns)
{
	uint64_t suspended_ns = clock_ns(CLOCK_BOOTTIME) - clock_monotonic_ns();
	uint64_t tick_ns = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t wanted_ns = start_ns + suspended_ns;

	for (int i = 0; i < FIELDS_TO_START && fields; i++) {
		fields = strchr(fields, ' ');
		fields = fields ? fields + 1 : NULL;
	}
	if (!fields)
		return false;
	uint64_t found_ns = strtoull(fields, NULL, 10) * tick_ns;
	return found_ns + START_TOLERANCE_NS > wanted_ns &&
	       found_ns < wanted_ns + START_TOLERANCE_NS;
}

bool process_exists(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

enum zombie zombie_state(uint32_t pid, uint64_t start_ns)
{
	char path[32], stat[512];

	/* Most are gone, and this is the cheapest way to know. */
	if (!process_exists(pid))
		return ZOMBIE_GONE;
	(void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	if (!file)
		return ZOMBIE_EXITING; /* gone just now, or hidden from us: the next look will tell */
	if (!fgets(stat, sizeof(stat), file))
		return ZOMBIE_GONE;
	const char *fields = stat_fields(stat);
	if (!fields || !started_at(fields, start_ns))
		return ZOMBIE_GONE;
	return fields[0] == 'Z' ? ZOMBIE_WAITING : ZOMBIE_EXITING;
}

bool pids_are_hosts(void)
{
	struct stat namespace;

	return stat("/proc/self/ns/pid", &namespace) == 0 &&
	       namespace.st_ino == FIRST_PID_NAMESPACE;
}
