/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int live_init(struct live *live, size_t cpus, size_t max_runs)
{
	*live = (struct live){
		.runs = calloc(2 * max_runs, sizeof(*live->runs)),
		.capacity = 2 * max_runs,
		.begun = calloc(cpus, sizeof(*live->begun)),
		.cpus = cpus,
	};
	return live->runs && live->begun ? 0 : -ENOMEM;
}

void live_free(struct live *live)
{
	free(live->runs);
	free(live->begun);
	*live = (struct live){};
}

void live_reset(struct live *live)
{
	live->count = 0;
	live->late = 0;
}

/* Its ordinal tells whether the counter of its cpu had counted it when that was read. */
static bool is_late(const struct live *live, const struct run *run)
{
	return run->cpu < live->cpus && run->ordinal > live->begun[run->cpu];
}

void live_add(struct live *live, const struct run *run, struct tool *tool)
{
	if (live->count == live->capacity)
		return;
	live->runs[live->count++] = (struct live_run){.key = run->key, .tool = tool};
	live->late += is_late(live, run);
}

void live_end(struct live *live, const struct run *run)
{
	for (size_t i = 0; i < live->count; i++) {
		if (memcmp(&live->runs[i].key, &run->key, sizeof(run->key)) != 0)
			continue;
		live->runs[i] = live->runs[--live->count];
		return;
	}
	live->late += is_late(live, run);
}

uint64_t live_begun(const struct live *live)
{
	uint64_t begun = live->late;

	for (size_t i = 0; i < live->cpus; i++)
		begun += live->begun[i];
	return begun;
}

uint64_t live_oldest_ns(const struct live *live)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < live->count; i++) {
		uint64_t start = live->runs[i].key.start_ns;

		if (live->runs[i].tool && (!oldest || start < oldest))
			oldest = start;
	}
	return oldest;
}
