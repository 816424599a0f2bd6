/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A record becomes a report: whether it is a run at all, whose, and how it ended. Pure: the same
 * record gives the same report. The situations and their numbers are those of docs/fidelity.md.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"
#include "run/report.h"

/* The first watched server's tool timeout where the request has none. */
#define DEFAULT_TIMEOUT_MS 60000ull
/*
 * The server's clock starts before the fork, by what it takes to make the pipes. Its SIGKILL this
 * much before the deadline, counted from the fork, is still the deadline and not a cancellation.
 */
#define DEADLINE_WINDOW_NS (50 * 1000 * 1000ull)
/* The first watched server reads one byte more of stdout, then gives up. */
#define STDOUT_LIMIT_BYTES (10 * 1024 * 1024ull)

struct classify_config {
	bool track_all; /* every Bun process with its stdin and stdout redirected is a run */
	const char *const
		*workers; /* patterns of worker scripts, as glob_match_path() takes them */
	size_t workers_count;
};

/*
 * Whether the record is a run. Fills who it is: pids, start, cgroup, tool id, execution id,
 * timeout, adopted; the rest is 0. Also for records under way, whose request may still grow.
 */
bool run_identify(const struct run *run, const struct classify_config *config, struct report *ret);

/*
 * The same for a finished record, and how it ended. call_start_ns: when the server's call began,
 * where something earlier than the fork is known to belong to it (its `bun --version`); 0 = at the
 * fork. When it returns false, ret holds nothing to use.
 */
bool run_classify(const struct run *run, const struct classify_config *config,
		  uint64_t call_start_ns, struct report *ret);
