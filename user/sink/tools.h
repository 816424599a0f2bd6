/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The series of each tool, found once by its label: a run moves a dozen of them, and to look each
 * up by its labels would cost more than everything else that is done with a run.
 */
#include "metric/metric.h"
#include "metric/table.h"
#include "run/report.h"
#include "sink/families.h"
#include "sink/owner.h"

enum thread_state { THREAD_CPU, THREAD_RUNQUEUE, THREAD_WAIT, THREAD_STATE_COUNT };

/* X(family, values of its second label, how many): TOOL_ONE where it has one label. */
#define TOOL_FAMILIES(X)                                                                           \
	X(EXECUTE_SECONDS, outcome_names, OUTCOME_COUNT)                                           \
	X(ERRORS, error_kind_names, ERROR_KIND_COUNT)                                              \
	X(MAIN_THREAD_SECONDS, thread_state_names, THREAD_STATE_COUNT)                             \
	X(TIMEOUTS, no_names, 1)                                                                   \
	X(IN_FLIGHT, no_names, 1)                                                                  \
	X(STARTUP_SECONDS, no_names, 1)                                                            \
	X(CPU_SECONDS, no_names, 1)                                                                \
	X(MAX_RSS_BYTES, no_names, 1)                                                              \
	X(INPUT_BYTES, no_names, 1)                                                                \
	X(OUTPUT_BYTES, no_names, 1)                                                               \
	X(STDERR_BYTES, no_names, 1)

/* Where a family's series begin in struct tool. */
#define X(name, values, count) TOOL_##name, TOOL_##name##_LAST = TOOL_##name + (count)-1,
enum tool_place { TOOL_FAMILIES(X) TOOL_SERIES_COUNT };
#undef X

/* What it is found by. */
struct tool_key {
	const char *label; /* the registry's, which has each but once */
	uint64_t owner;
};

struct tool {
	struct tool_key key;
	struct series *series[TOOL_SERIES_COUNT];
};

struct tools {
	struct registry *registry;
	struct owner_set *owners;
	size_t max;	     /* with an owner of their own */
	struct table by_key; /* owns its items */
};

void tools_free(struct tools *tools);
/*
 * By a canonical label, and an owner's number; OWNER_OTHER's where there is no room for one more. Its series of closed
 * sets are there, at 0, from now on. NULL without memory.
 */
struct tool *tools_find(struct tools *tools, const char *label, uint32_t owner);
/* Place: a family's, plus the number of its second label's value. Made on first use; NULL without memory. */
struct series *tool_series(struct tools *tools, struct tool *tool, unsigned place);
