/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A server may ask for `bun --version` before it starts a tool, within the same call and the same
 * deadline: then the call began with that fork. Keeps the last of them, of all servers. Pure.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"

/* Servers that start calls at the same moment, several dozens each. */
#define VERSIONS_MAX 256
/* From the end of the one to the fork of the other: what a server takes to get there. */
#define VERSION_GAP_NS (50 * 1000 * 1000ull)

struct version {
	uint64_t parent_start_ns;
	uint64_t start_ns;
	uint64_t end_ns; /* 0 = free */
	uint32_t parent_pid;
};

struct versions {
	struct version slots[VERSIONS_MAX];
	size_t next;
};

/* Is it a `bun --version`? */
bool version_is(const struct run *run);
/* One that has ended. */
void versions_add(struct versions *versions, const struct run *run);
/* The start of the one that belongs to this run's call, which no later run gets; 0 = there was none. */
uint64_t versions_take(struct versions *versions, const struct run *run);
