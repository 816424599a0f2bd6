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
/* starttime is cut off to clock ticks; and the kernel may be interrupted between the two clocks that it reads at a fork. */
#define START_TOLERANCE_NS (200 * NS_PER_MS)

/* Inode of the first pid namespace: include/linux/proc_ns.h. */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCu

/* The fields behind the name, which may hold anything, parentheses too. */
static const char *stat_fields(const char *stat)
{
	const char *end = strrchr(stat, ')');

	return end && end[1] == ' ' ? end + 2 : NULL;
}

bool start_is(uint64_t boot_start_ns, uint64_t start_ns, const struct clocks *clocks)
{
	uint64_t boot_ns = start_ns + clocks->boot_ns;

	return boot_start_ns + START_TOLERANCE_NS + clocks->after_ns > boot_ns &&
	       boot_start_ns + clocks->before_ns < boot_ns + START_TOLERANCE_NS;
}

static struct clocks clocks_look(void)
{
	struct clocks clocks = {.before_ns = clock_monotonic_ns()};

	clocks.boot_ns = clock_ns(CLOCK_BOOTTIME);
	clocks.after_ns = clock_monotonic_ns();
	return clocks;
}

static bool started_at(const char *fields, uint64_t start_ns)
{
	uint64_t tick_ns = NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
	const struct clocks clocks = clocks_look();

	for (int i = 0; i < FIELDS_TO_START && fields; i++) {
		fields = strchr(fields, ' ');
		fields = fields ? fields + 1 : NULL;
	}
	return fields && start_is(strtoull(fields, NULL, 10) * tick_ns, start_ns, &clocks);
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
