/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The system calls that the agent can still make, once it runs: a table by purpose. Any other is not made:
 * it fails with ENOSYS, as on a kernel without it, is counted, and logged.
 */
#include <stddef.h>
#include <stdint.h>

/* What a process is there for: bits. Each purpose brings the calls that it takes. */
enum filter_purpose {
	FILTER_BASE = 1 << 0,	 /* the loop, the maps, /proc, memory, detaching at the end */
	FILTER_WEB = 1 << 1,	 /* serves HTTP on a socket that listens already */
	FILTER_RECORD = 1 << 2,	 /* finishes the file that it has opened */
	FILTER_CONNECT = 1 << 3, /* asks other servers: name resolution, TCP, Unix sockets */
	FILTER_UPROBES = 1 << 4, /* attaches, while it runs, to programs that come */
};

/* One call that is let through, when (argument & mask) == value; mask 0 = always. */
struct filter_rule {
	unsigned purpose;
	const char *name;
	unsigned argument; /* from 0 */
	uint64_t mask;
	uint64_t value;
};

extern const struct filter_rule filter_rules[];
extern const size_t filter_rule_count;

/* For good, and for each thread and each process to come. 0 or -errno. */
int filter_load(unsigned purposes);
/* Calls refused until now. */
uint64_t filter_denied(void);
/* Logs the calls that were refused for the first time since the last report. */
void filter_report(void);
