/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts many Bun workers the way a server does: three pipes each, a request in, the reply to its
 * end, wait. */
#include <stdbool.h>
#include <stdint.h>

struct launch {
	const char *bun;    /* executable */
	const char *worker; /* script on its command line */
	const char *tool;   /* tool_id; with tools > 1 a number is appended */
	int tools;	    /* distinct tool ids */
	int runs;
	int at_once; /* under way at a time, over all launchers */
	int launchers;
	bool same_pids; /* a child gets the pid of the one whose place it takes: clone3's set_tid */
};

struct launched {
	uint64_t ok;	   /* replied in the worker's success shape and exited 0 */
	uint64_t failed;   /* started, and did anything else */
	int failed_status; /* of the last of them, as wait() has it */
	uint64_t refused;  /* could not be started */
	uint64_t cpu_us;   /* user and system time of the children */
	uint64_t request_bytes;
	uint64_t reply_bytes;
	double seconds;
};

/* 0 or -errno; returns when all runs are over. */
int launch_all(const struct launch *launch, struct launched *ret_launched);
