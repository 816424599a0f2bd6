/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "kernel/probe.h"
#include "owners.h"
#include "sandbox/filter.h"
#include "sink/families.h"

/* By enum kernel_counter: those that are causes of loss come first. */
static const char *const kernel_labels[KERNEL_COUNTERS_COUNT] = {
#define X(name, label, help) [LOST_##name] = label,
	LOST_CAUSES(X)
#undef X
#define X(name, label, help) [KERNEL_##name] = label,
		KERNEL_EVENTS(X)
#undef X
};

/* Without memory for a new series it stays away until a later scrape. */
static void set(struct registry *registry, enum family_index family, const char *label,
		uint64_t value)
{
	struct series *series = registry_series(registry, family, &label);

	if (series)
		series_set(series, value);
}

void agent_describe(struct registry *registry, const struct pipeline *pipeline, uint64_t started_ns)
{
	static const char *const build[] = {BUNSCOPE_VERSION, BUNSCOPE_REVISION};
	struct series *info = registry_series(registry, FAMILY_BUILD_INFO, build);

	if (info)
		series_set(info, 1);
	for (int map = 0; map < PROBE_MAP_COUNT; map++)
		set(registry, FAMILY_MAP_CAPACITY, probe_map_names[map],
		    probe_map_capacity(pipeline_probe(pipeline), map));
	set(registry, FAMILY_PROCESS_START_SECONDS, NULL, started_ns);
	(void)registry_series(registry, FAMILY_SCRAPE_SECONDS, NULL);
}

/* What serves a hook changes: servers come and go. */
static void update_hooks(struct registry *registry, const struct plan *plan)
{
	registry_zero(registry, FAMILY_PROBE_INFO);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];
		const char *values[] = {hook->family, hook->hook, hook->flavour,
					plan_state_names[hook->state]};
		struct series *info = registry_series(registry, FAMILY_PROBE_INFO, values);

		if (info)
			series_set(info, 1);
	}
}

static void update_runs(struct registry *registry, const struct run_totals *totals)
{
	set(registry, FAMILY_RUNS_STARTED, NULL, totals->started);
	set(registry, FAMILY_RUNS_FINISHED, NULL, totals->finished);
	set(registry, FAMILY_RUNS_RESCUED, NULL, totals->rescued);
	for (int i = 0; i < LOST_COUNT; i++)
		set(registry, FAMILY_RUNS_LOST, kernel_labels[i], totals->kernel[i]);
	for (int i = LOST_COUNT; i < KERNEL_COUNTERS_COUNT; i++)
		set(registry, FAMILY_KERNEL_EVENTS, kernel_labels[i], totals->kernel[i]);
	set(registry, FAMILY_DECODE_ERRORS, "exchange", totals->exchange_errors);
	for (int i = DECODE_OK + 1; i < DECODE_COUNT; i++)
		set(registry, FAMILY_DECODE_ERRORS, decode_error_names[i],
		    totals->decode_errors[i]);
}

static void update_maps(struct registry *registry, const struct probe *probe, uint64_t in_flight)
{
	set(registry, FAMILY_MAP_ENTRIES, probe_map_names[PROBE_MAP_RUNS], in_flight);
	for (int map = PROBE_MAP_RUNS + 1; map < PROBE_MAP_COUNT; map++) {
		long entries = probe_map_entries(probe, map);

		if (entries >= 0)
			set(registry, FAMILY_MAP_ENTRIES, probe_map_names[map], (uint64_t)entries);
	}
}

static uint64_t open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		n++;
	(void)closedir(directory);
	return n - 3; /* ".", ".." and the directory's own */
}

static void update_memory(struct registry *registry)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[128], *rest;

	if (!file || !fgets(line, sizeof(line), file))
		return;
	set(registry, FAMILY_PROCESS_VIRTUAL_BYTES, NULL, strtoul(line, &rest, 10) * page);
	set(registry, FAMILY_PROCESS_RESIDENT_BYTES, NULL, strtoul(rest, NULL, 10) * page);
}

static void update_process(struct registry *registry)
{
	struct rlimit files;

	set(registry, FAMILY_PROCESS_CPU_SECONDS, NULL, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	set(registry, FAMILY_PROCESS_OPEN_FDS, NULL, open_fds());
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		set(registry, FAMILY_PROCESS_MAX_FDS, NULL, files.rlim_cur);
	update_memory(registry);
}

void agent_update(struct registry *registry, const struct pipeline *pipeline,
		  const struct run_totals *totals)
{
	set(registry, FAMILY_UP, NULL, plan_missing(pipeline_plan(pipeline)) == NULL);
	set(registry, FAMILY_SERIES_OVERFLOW, "tool_id", registry_overflows(registry, "tool_id"));
	set(registry, FAMILY_SERIES_OVERFLOW, "owner", pipeline_owner_overflows(pipeline));
	set(registry, FAMILY_DENIED_SYSCALLS, NULL, filter_denied());
	set(registry, FAMILY_BUN_UNREAPED, NULL, totals->unreaped);
	update_hooks(registry, pipeline_plan(pipeline));
	owners_update(pipeline_owners(pipeline), registry);
	update_runs(registry, totals);
	update_maps(registry, pipeline_probe(pipeline), totals->in_flight);
	update_process(registry);
}

void agent_scraped(struct registry *registry, uint64_t ns)
{
	struct series *series = registry_series(registry, FAMILY_SCRAPE_SECONDS, NULL);

	if (series)
		series_observe(series, ns);
}
