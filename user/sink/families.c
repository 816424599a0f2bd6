/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/families.h"

#define MS 1000000ull /* in nanoseconds */
#define SECOND (1000 * MS)

/* The type, unit and scale of a family. Seconds are kept in nanoseconds. */
#define COUNTER .type = METRIC_COUNTER
#define COUNTER_SECONDS .type = METRIC_COUNTER, .unit = "seconds", .scale = 9
#define GAUGE .type = METRIC_GAUGE
#define GAUGE_SECONDS .type = METRIC_GAUGE, .unit = "seconds", .scale = 9
#define GAUGE_BYTES .type = METRIC_GAUGE, .unit = "bytes"
#define HISTOGRAM_SECONDS .type = METRIC_HISTOGRAM, .unit = "seconds", .scale = 9
#define HISTOGRAM_BYTES .type = METRIC_HISTOGRAM, .unit = "bytes"

/* Tool ids are an open set, the other labels are closed ones. */
#define BY_TOOL .labels = {"tool_id"}, .bounded = 1
#define BY_TOOL_AND(label) .labels = {"tool_id", label}, .bounded = 1
#define OWN .own = true

#define TOOL_SECONDS                                                                               \
	.buckets = {5 * MS,   10 * MS,	  25 * MS,   50 * MS,	 100 * MS,    250 * MS,            \
		    500 * MS, 1 * SECOND, 2500 * MS, 5 * SECOND, 10 * SECOND, 30 * SECOND}
/* A synchronous execution may be asked to wait for 300 s. */
#define EXEC_SECONDS                                                                               \
	.buckets = {5 * MS,	 10 * MS,     25 * MS,	    50 * MS,	 100 * MS,    250 * MS,    \
		    500 * MS,	 1 * SECOND,  2500 * MS,    5 * SECOND,	 10 * SECOND, 15 * SECOND, \
		    30 * SECOND, 60 * SECOND, 120 * SECOND, 300 * SECOND}
#define TOOL_BYTES .buckets = {100, 1000, 10000, 100000, 1000000, 10000000}
/* Bun alone takes 33 MB. */
#define RSS_BYTES                                                                                  \
	.buckets = {10000000,  25000000,  50000000,   100000000,                                   \
		    250000000, 500000000, 1000000000, 2500000000}
#define POLL_SECONDS                                                                               \
	.buckets = {100 * MS,	 500 * MS,    1 * SECOND,  2500 * MS,	 5 * SECOND,               \
		    10 * SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND, 300 * SECOND}
#define SCRAPE_SECONDS                                                                             \
	.buckets = {MS / 10, MS / 4, MS / 2, MS, 2500000, 5 * MS, 10 * MS, 25 * MS, 100 * MS}

/* clang-format off */
const struct family families[FAMILY_COUNT] = {
	[FAMILY_TOOL_EXECUTE_SECONDS] = {
		"runtime_tool_execute_seconds", HISTOGRAM_SECONDS, BY_TOOL_AND("outcome"), TOOL_SECONDS,
		.help = "Time from the fork of a tool's Bun process to the later of its exit and the end of its output.",
	},
	[FAMILY_TOOL_ERRORS] = {
		"runtime_tool_errors_total", COUNTER, BY_TOOL_AND("error_kind"),
		.help = "Runs of a tool that did not succeed, by the step that failed; stderr also beside any outcome.",
	},
	[FAMILY_TOOL_TIMEOUTS] = {
		"runtime_tool_timeouts_total", COUNTER, BY_TOOL,
		.help = "Runs of a tool that the server killed at their deadline.",
	},
	[FAMILY_BUN_EXITS] = {
		"runtime_bun_process_exits_total", COUNTER, .labels = {"status", "code", "signal"},
		.help = "Bun workers that are gone: by exit code, or by signal with 128 plus its number as the code.",
	},
	[FAMILY_TOOL_OUTPUT_BYTES] = {
		"runtime_tool_output_bytes", HISTOGRAM_BYTES, BY_TOOL, TOOL_BYTES,
		.help = "Bytes that the server read from a tool's stdout, of runs whose stdout reached its end.",
	},
	[FAMILY_TOOL_IN_FLIGHT] = {
		"runtime_tool_runs_in_flight", GAUGE, BY_TOOL,
		.help = "Runs of a tool that are not over.",
	},
	[FAMILY_TOOL_OLDEST_SECONDS] = {
		"runtime_tool_oldest_run_seconds", GAUGE_SECONDS,
		.help = "Age of the oldest run that is not over, 0 when there is none.",
	},
	[FAMILY_TOOL_STARTUP_SECONDS] = {
		"runtime_tool_startup_seconds", HISTOGRAM_SECONDS, BY_TOOL, TOOL_SECONDS,
		.help = "Time from the fork of a tool's Bun process to its first read of the request.",
	},
	[FAMILY_TOOL_CPU_SECONDS] = {
		"runtime_tool_cpu_seconds", HISTOGRAM_SECONDS, BY_TOOL, TOOL_SECONDS,
		.help = "CPU time of a tool's Bun process, user and system, all threads.",
	},
	[FAMILY_TOOL_MAIN_THREAD_SECONDS] = {
		"runtime_tool_main_thread_seconds_total", COUNTER_SECONDS, BY_TOOL_AND("state"),
		.help = "Life of a tool's JavaScript thread: on a CPU, waiting for one, waiting for something else.",
	},
	[FAMILY_TOOL_MAX_RSS_BYTES] = {
		"runtime_tool_max_rss_bytes", HISTOGRAM_BYTES, BY_TOOL, RSS_BYTES,
		.help = "Largest resident memory of a tool's Bun process.",
	},
	[FAMILY_TOOL_INPUT_BYTES] = {
		"runtime_tool_input_bytes", HISTOGRAM_BYTES, BY_TOOL, TOOL_BYTES,
		.help = "Bytes of the request that the server wrote to a tool's stdin.",
	},
	[FAMILY_TOOL_STDERR_BYTES] = {
		"runtime_tool_stderr_bytes", HISTOGRAM_BYTES, BY_TOOL, TOOL_BYTES,
		.help = "Bytes that a tool's Bun process wrote to stderr.",
	},
	[FAMILY_BUN_SIGNALS] = {
		"runtime_bun_signals_total", COUNTER, .labels = {"signal", "sender"},
		.help = "Bun workers that a signal ended, by who sent it.",
	},
	[FAMILY_BUN_UNREAPED] = {
		"runtime_bun_unreaped", GAUGE,
		.help = "Bun workers that have exited and that the server has not waited for.",
	},
	[FAMILY_EXEC_STARTED] = {
		"http_exec_started_total", COUNTER, .labels = {"kind"},
		.help = "Executions that the server accepted over HTTP to run in the background (202).",
	},
	[FAMILY_EXEC_SYNC_SECONDS] = {
		"http_exec_sync_latency_seconds", HISTOGRAM_SECONDS, .labels = {"kind", "outcome"}, EXEC_SECONDS,
		.help = "Time from the first byte of a synchronous execution's request to the first byte of its response.",
	},
	[FAMILY_EXEC_TIMEOUTS] = {
		"http_exec_timeouts_total", COUNTER, .labels = {"kind"},
		.help = "Synchronous executions that ended at their deadline (408).",
	},
	[FAMILY_EXEC_ERRORS] = {
		"http_exec_errors_total", COUNTER, .labels = {"kind", "code"},
		.help = "Requests for executions that failed, by HTTP status; none: closed without a byte of response.",
	},
	[FAMILY_WORKFLOW_POLLS] = {
		"workflow_sync_polls_total", COUNTER, .labels = {"workflow_id", "outcome"}, .bounded = 1,
		.help = "Times that a synchronous workflow's state was polled, by how the waiting ended.",
	},
	[FAMILY_WORKFLOW_POLL_SECONDS] = {
		"workflow_sync_poll_duration_seconds", HISTOGRAM_SECONDS, .labels = {"workflow_id"}, .bounded = 1,
		POLL_SECONDS,
		.help = "Time that a server waited for a synchronous workflow, polling.",
	},
	[FAMILY_BUILD_INFO] = {
		"bunscope_build_info", GAUGE, OWN, .labels = {"version", "revision"},
		.help = "1, with the version and revision of this agent.",
	},
	[FAMILY_UP] = {
		"bunscope_up", GAUGE, OWN,
		.help = "1 when every required probe is attached.",
	},
	[FAMILY_PROBE_INFO] = {
		"bunscope_probe_info", GAUGE, OWN, .labels = {"family", "hook", "flavour", "state"},
		.help = "1 for each hook, with what serves it and whether that is attached.",
	},
	[FAMILY_TARGET_INFO] = {
		"bunscope_target_info", GAUGE, OWN,
		.labels = {"container_id", "pod_uid", "namespace", "pod", "container"},
		.help = "1 for each container that Bun runs in, while it is there; names where the pods' list is asked for.",
	},
	[FAMILY_POD_LISTS] = {
		"bunscope_pod_lists_total", COUNTER, OWN, .labels = {"result"},
		.help = "Times that this node's pods were asked for: ok, failed. Only where --kubernetes.pods-url is given.",
	},
	[FAMILY_RUNS_STARTED] = {
		"bunscope_runs_started_total", COUNTER, OWN,
		.help = "Bun processes whose exec was seen: those finished, in flight (map_entries of runs) and lost.",
	},
	[FAMILY_RUNS_FINISHED] = {
		"bunscope_runs_finished_total", COUNTER, OWN,
		.help = "Bun processes whose record is complete and counted, tool runs or not.",
	},
	[FAMILY_RUNS_LOST] = {
		"bunscope_runs_lost_total", COUNTER, OWN, .labels = {"cause"},
		.help = "Bun processes that are in no other metric, by cause.",
	},
	[FAMILY_RUNS_RESCUED] = {
		"bunscope_runs_rescued_total", COUNTER, OWN,
		.help = "Finished records that the ring could not take and the sweep did; nothing is lost by it.",
	},
	[FAMILY_KERNEL_EVENTS] = {
		"bunscope_kernel_events_total", COUNTER, OWN, .labels = {"event"},
		.help = "What the kernel side could not do without losing a run: full maps, unreadable memory.",
	},
	[FAMILY_MAP_ENTRIES] = {
		"bunscope_map_entries", GAUGE, OWN, .labels = {"map"},
		.help = "Entries of a BPF map; of runs, the Bun processes in flight.",
	},
	[FAMILY_MAP_CAPACITY] = {
		"bunscope_map_capacity", GAUGE, OWN, .labels = {"map"},
		.help = "Entries that a BPF map can hold.",
	},
	[FAMILY_SERIES_OVERFLOW] = {
		"bunscope_series_overflow_total", COUNTER, OWN, .labels = {"label"},
		.help = "Times that a label value became _other because its table was full.",
	},
	[FAMILY_DECODE_ERRORS] = {
		"bunscope_decode_errors_total", COUNTER, OWN, .labels = {"kind"},
		.help = "Records from the kernel side that made no sense.",
	},
	[FAMILY_DENIED_SYSCALLS] = {
		"bunscope_denied_syscalls_total", COUNTER, OWN,
		.help = "System calls that the agent's own sandbox refused it: a bug, named in the log.",
	},
	[FAMILY_SPANS] = {
		"bunscope_spans_total", COUNTER, OWN, .labels = {"state"},
		.help = "Spans by what became of them; retried: how often one was sent again, in no other state.",
	},
	[FAMILY_SPANS_CREATED] = {
		"bunscope_spans_created_total", COUNTER, OWN,
		.help = "Spans made: those exported, dropped, unsampled and queued.",
	},
	[FAMILY_SPANS_QUEUED] = {
		"bunscope_spans_queued", GAUGE, OWN,
		.help = "Spans that wait: for their exchange, their batch or their collector.",
	},
	[FAMILY_SCRAPE_SECONDS] = {
		"bunscope_scrape_seconds", HISTOGRAM_SECONDS, OWN, SCRAPE_SECONDS,
		.help = "Time that earlier scrapes took: walk, snapshot and text.",
	},
	[FAMILY_PROCESS_CPU_SECONDS] = {
		"process_cpu_seconds_total", COUNTER_SECONDS, OWN,
		.help = "Total user and system CPU time spent in seconds.",
	},
	[FAMILY_PROCESS_OPEN_FDS] = {
		"process_open_fds", GAUGE, OWN,
		.help = "Number of open file descriptors.",
	},
	[FAMILY_PROCESS_MAX_FDS] = {
		"process_max_fds", GAUGE, OWN,
		.help = "Maximum number of open file descriptors.",
	},
	[FAMILY_PROCESS_RESIDENT_BYTES] = {
		"process_resident_memory_bytes", GAUGE_BYTES, OWN,
		.help = "Resident memory size in bytes.",
	},
	[FAMILY_PROCESS_VIRTUAL_BYTES] = {
		"process_virtual_memory_bytes", GAUGE_BYTES, OWN,
		.help = "Virtual memory size in bytes.",
	},
	[FAMILY_PROCESS_START_SECONDS] = {
		"process_start_time_seconds", GAUGE_SECONDS, OWN,
		.help = "Start time of the process since unix epoch in seconds.",
	},
};
/* clang-format on */
