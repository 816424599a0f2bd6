/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/view.h"

#include <errno.h>

#include "base/cleanup.h"
#include "metric/history.h"
#include "sink/families.h"
#include "sink/recent.h"

/* By tool only what the table of tools shows: memory is bounded, and a tool that runs is in each of these. */
static const struct history_family kept[] = {
	{FAMILY_TOOL_EXECUTE_SECONDS, HISTORY_EACH},
	{FAMILY_TOOL_ERRORS, HISTORY_EACH},
	{FAMILY_TOOL_TIMEOUTS, HISTORY_EACH},
	{FAMILY_TOOL_CPU_SECONDS, HISTORY_EACH | HISTORY_NO_BUCKETS},
	{FAMILY_TOOL_MAX_RSS_BYTES, HISTORY_EACH | HISTORY_NO_BUCKETS},
	{FAMILY_TOOL_IN_FLIGHT, HISTORY_SUMMED},
	{FAMILY_TOOL_STARTUP_SECONDS, HISTORY_SUMMED | HISTORY_NO_BUCKETS},
	{FAMILY_TOOL_MAIN_THREAD_SECONDS, HISTORY_SUMMED},
	{FAMILY_TOOL_OUTPUT_BYTES, HISTORY_SUMMED},
	{FAMILY_BUN_EXITS, HISTORY_EACH},
};

static const enum family_index shown[] = {
	FAMILY_TOOL_IN_FLIGHT,
	FAMILY_TOOL_OLDEST_SECONDS,
	FAMILY_BUN_UNREAPED,
	FAMILY_BUILD_INFO,
	FAMILY_UP,
	FAMILY_PROBE_INFO,
	FAMILY_RUNS_STARTED,
	FAMILY_RUNS_FINISHED,
	FAMILY_RUNS_LOST,
	FAMILY_RUNS_RESCUED,
	FAMILY_MAP_ENTRIES,
	FAMILY_MAP_CAPACITY,
	FAMILY_SERIES_OVERFLOW,
	FAMILY_PROCESS_CPU_SECONDS,
	FAMILY_PROCESS_RESIDENT_BYTES,
	FAMILY_PROCESS_OPEN_FDS,
	FAMILY_PROCESS_START_SECONDS,
};

struct view {
	const struct registry *registry;
	uint64_t began_ms;
	struct history *history;
	struct recent recent;
};

int view_new(const struct registry *registry, uint64_t now_ms, struct view **ret)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->registry = registry;
	view->began_ms = now_ms;
	int r = history_new(registry, kept, ARRAY_SIZE(kept), &view->history);
	if (r < 0) {
		free(view);
		return r;
	}
	*ret = view;
	return 0;
}

void view_free(struct view **owner)
{
	struct view *view = take_ptr(*owner);

	if (!view)
		return;
	history_free(&view->history);
	free(view);
}

void view_run(struct view *view, const struct report *report, const struct run_detail *detail)
{
	recent_add(&view->recent, report, detail);
}

void view_step(struct view *view, uint64_t now_ms)
{
	history_step(view->history, now_ms);
}

void view_write_live(const struct view *view, uint64_t now_ms, uint64_t after_ms, size_t first_row,
		     struct buf *out)
{
	buf_printf(out, "{\"agent\":%llu,\"time\":%llu,\"step_ms\":%d,\"steps_max\":%d,\"now\":[",
		   (unsigned long long)view->began_ms, (unsigned long long)now_ms, VIEW_STEP_MS,
		   HISTORY_STEPS);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		buf_append_cstr(out, i ? "," : "");
		registry_write_json(view->registry, shown[i], out);
	}
	buf_append_cstr(out, "],");
	history_write(view->history, after_ms, first_row, out);
	buf_append_cstr(out, "}\n");
}

void view_write_runs(const struct view *view, uint64_t realtime_ns, struct buf *out)
{
	recent_write(&view->recent, realtime_ns, out);
}
