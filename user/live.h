/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The runs in flight at one moment. The map is walked first and the ring drained after, so a run that
 * ends in between is met twice, and is taken out here the second time.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"

struct tool;

struct live_run {
	struct run_key key;
	struct tool *tool; /* NULL: a Bun process that is no run, or not yet */
};

struct live {
	struct live_run *runs; /* owned */
	size_t capacity;
	size_t count;
	uint64_t *begun; /* of each cpu, when the walk began; owned */
	size_t cpus;
	uint64_t late; /* runs met that began after that */
};

/*
 * For a map of max_runs entries. A walk may meet more than that at once: one that ended behind it, and one
 * that began before it. 0 or -ENOMEM.
 */
int live_init(struct live *live, size_t cpus, size_t max_runs);
void live_free(struct live *live);
/* Forgets what was; `begun` is to be filled in by the caller. */
void live_reset(struct live *live);
/* A run that the walk met. */
void live_add(struct live *live, const struct run *run, struct tool *tool);
/* A run that ended since. */
void live_end(struct live *live, const struct run *run);
/* Runs begun, those met late included. */
uint64_t live_begun(const struct live *live);
/* The start of the oldest run of a tool; 0 = there is none. */
uint64_t live_oldest_ns(const struct live *live);
