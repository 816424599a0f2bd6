/* SPDX-License-Identifier: Apache-2.0 */
#include "intake.h"

#include <string.h>

#include "base/glob.h"

struct classify_config intake_classify(const struct config *config)
{
	return (struct classify_config){
		.track_all = config->track == CONFIG_TRACK_ALL,
		.workers = (const char *const *)config->workers.items,
		.workers_count = config->workers.count,
	};
}

void intake_init(struct intake *intake, const struct config *config, struct metrics *metrics)
{
	*intake = (struct intake){
		.exes = &config->exes,
		.classify = intake_classify(config),
		.metrics = metrics,
	};
}

/*
 * The kernel side compares the ends of a pattern; this is the whole of it. Of a child that gave up before it
 * executed anything nobody knows what it would have been: its server starts Bun.
 */
static bool is_bun(const struct intake *intake, const struct run *run)
{
	if (run->flags & RUN_GAVE_UP)
		return true;
	for (size_t i = 0; i < intake->exes->count; i++) {
		const char *glob = intake->exes->items[i];

		if (glob_match_path(glob, run->exe) ||
		    (!strchr(glob, '/') && glob_match_path(glob, run->name)))
			return true;
	}
	return false;
}

bool intake_run(struct intake *intake, const struct run *run, uint32_t owner, struct report *ret)
{
	uint64_t call_start_ns = 0;

	if (version_is(run))
		versions_add(&intake->versions, run);
	else
		call_start_ns = versions_take(&intake->versions, run);
	if (!is_bun(intake, run) || !run_classify(run, &intake->classify, call_start_ns, ret))
		return false;
	ret->owner = owner;
	metrics_run(intake->metrics, ret);
	return true;
}

bool intake_identify(const struct intake *intake, const struct run *run, struct report *ret)
{
	return is_bun(intake, run) && run_identify(run, &intake->classify, ret);
}
