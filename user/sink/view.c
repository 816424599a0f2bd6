/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/view.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "metric/history.h"
#include "sink/families.h"
#include "sink/recent.h"

/* By tool only what the table of tools shows: memory is bounded, and a tool that runs is in each of these. */
static const struct {
	const char *name;
	unsigned how; /* enum history_how */
} kept[] = {
	{"runtime_tool_execute_seconds", HISTORY_EACH},
	{"runtime_tool_errors_total", HISTORY_EACH},
	{"runtime_tool_timeouts_total", HISTORY_EACH},
	{"runtime_tool_cpu_seconds", HISTORY_EACH | HISTORY_NO_BUCKETS},
	{"runtime_tool_max_rss_bytes", HISTORY_EACH | HISTORY_NO_BUCKETS},
	{"runtime_tool_runs_in_flight", HISTORY_SUMMED},
	{"runtime_tool_startup_seconds", HISTORY_SUMMED | HISTORY_NO_BUCKETS},
	{"runtime_tool_main_thread_seconds_total", HISTORY_SUMMED},
	{"runtime_tool_output_bytes", HISTORY_SUMMED},
	{"runtime_bun_process_exits_total", HISTORY_EACH},
	{"http_exec_started_total", HISTORY_EACH},
	{"http_exec_sync_latency_seconds", HISTORY_EACH},
	{"http_exec_errors_total", HISTORY_EACH},
	{"workflow_sync_poll_duration_seconds", HISTORY_SUMMED},
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

/* A family that this agent does not have is left out. Returns how many there are. */
static size_t find_kept(struct history_family ret[ARRAY_SIZE(kept)])
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		for (size_t family = 0; family < FAMILY_COUNT; family++) {
			if (strcmp(families[family].name, kept[i].name) == 0)
				ret[count++] = (struct history_family){family, kept[i].how};
		}
	}
	return count;
}

int view_new(const struct registry *registry, uint64_t now_ms, struct view **ret)
{
	struct history_family found[ARRAY_SIZE(kept)];
	struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->registry = registry;
	view->began_ms = now_ms;
	int r = history_new(registry, found, find_kept(found), &view->history);
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
