/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A query for each family, for the reference; an e2e test asks a Prometheus each of them. No | in them: they stand in a table. */
static const struct example {
	const char *family;
	const char *query;
} examples[] = {
	{"runtime_tool_execute_seconds", "histogram_quantile(0.95, sum by (le, tool_id) "
					 "(rate(runtime_tool_execute_seconds_bucket[5m])))"},
	{"runtime_tool_errors_total",
	 "sum by (tool_id, error_kind) (increase(runtime_tool_errors_total[1h])) > 0"},
	{"runtime_tool_timeouts_total",
	 "sum by (tool_id) (rate(runtime_tool_timeouts_total[5m])) / sum by (tool_id) "
	 "(rate(runtime_tool_execute_seconds_count[5m]))"},
	{"runtime_bun_process_exits_total",
	 "topk(5, sum by (code, signal) (increase(runtime_bun_process_exits_total[1h])))"},
	{"runtime_tool_output_bytes", "histogram_quantile(0.99, sum by (le, tool_id) "
				      "(rate(runtime_tool_output_bytes_bucket[5m])))"},
	{"runtime_tool_runs_in_flight", "sum by (tool_id) (runtime_tool_runs_in_flight)"},
	{"runtime_tool_oldest_run_seconds", "max(runtime_tool_oldest_run_seconds)"},
	{"runtime_tool_startup_seconds", "sum(rate(runtime_tool_startup_seconds_sum[5m])) / "
					 "sum(rate(runtime_tool_startup_seconds_count[5m]))"},
	{"runtime_tool_cpu_seconds", "sum by (tool_id) (rate(runtime_tool_cpu_seconds_sum[5m]))"},
	{"runtime_tool_main_thread_seconds_total",
	 "sum by (state) (rate(runtime_tool_main_thread_seconds_total[5m])) / "
	 "scalar(sum(rate(runtime_tool_main_thread_seconds_total[5m])))"},
	{"runtime_tool_max_rss_bytes", "histogram_quantile(0.95, sum by (le, tool_id) "
				       "(rate(runtime_tool_max_rss_bytes_bucket[5m])))"},
	{"runtime_tool_input_bytes", "sum by (tool_id) (rate(runtime_tool_input_bytes_sum[5m])) / "
				     "sum by (tool_id) (rate(runtime_tool_input_bytes_count[5m]))"},
	{"runtime_tool_stderr_bytes",
	 "topk(5, sum by (tool_id) (rate(runtime_tool_stderr_bytes_sum[5m])))"},
	{"runtime_bun_signals_total",
	 "sum by (signal, sender) (increase(runtime_bun_signals_total[1h]))"},
	{"runtime_bun_unreaped", "sum by (instance) (runtime_bun_unreaped)"},
	{"http_exec_started_total", "sum by (kind) (rate(http_exec_started_total[5m]))"},
	{"http_exec_sync_latency_seconds", "histogram_quantile(0.95, sum by (le, kind) "
					   "(rate(http_exec_sync_latency_seconds_bucket[5m])))"},
	{"http_exec_timeouts_total", "sum by (kind) (increase(http_exec_timeouts_total[1h]))"},
	{"http_exec_errors_total", "sum by (kind, code) (increase(http_exec_errors_total[1h]))"},
	{"workflow_sync_polls_total",
	 "sum by (workflow_id) (rate(workflow_sync_polls_total[5m])) / sum by (workflow_id) "
	 "(rate(workflow_sync_poll_duration_seconds_count[5m]))"},
	{"workflow_sync_poll_duration_seconds",
	 "histogram_quantile(0.95, sum by (le) "
	 "(rate(workflow_sync_poll_duration_seconds_bucket[5m])))"},
	{"bunscope_build_info", "count by (version) (bunscope_build_info)"},
	{"bunscope_up", "bunscope_up"},
	{"bunscope_probe_info", "count by (family, hook, state) (bunscope_probe_info)"},
	{"bunscope_target_info", "count by (namespace, pod) (bunscope_target_info)"},
	{"bunscope_pod_lists_total", "sum by (result) (increase(bunscope_pod_lists_total[1h]))"},
	{"bunscope_runs_started_total", "sum(rate(bunscope_runs_started_total[5m]))"},
	{"bunscope_runs_finished_total",
	 "bunscope_runs_started_total - bunscope_runs_finished_total - ignoring(map) "
	 "bunscope_map_entries{map=\"runs\"} - on(instance) sum by (instance) "
	 "(bunscope_runs_lost_total)"},
	{"bunscope_runs_lost_total", "sum by (cause) (increase(bunscope_runs_lost_total[1h]))"},
	{"bunscope_runs_rescued_total",
	 "sum by (instance) (increase(bunscope_runs_rescued_total[1h]))"},
	{"bunscope_kernel_events_total", "sum by (event) (rate(bunscope_kernel_events_total[5m]))"},
	{"bunscope_map_entries", "bunscope_map_entries / bunscope_map_capacity"},
	{"bunscope_map_capacity", "bunscope_map_capacity{map=\"runs\"}"},
	{"bunscope_series_overflow_total",
	 "sum by (label) (increase(bunscope_series_overflow_total[1h]))"},
	{"bunscope_decode_errors_total",
	 "sum by (kind) (increase(bunscope_decode_errors_total[1h]))"},
	{"bunscope_denied_syscalls_total",
	 "sum by (instance) (increase(bunscope_denied_syscalls_total[1h]))"},
	{"bunscope_spans_total", "sum by (state) (rate(bunscope_spans_total[5m]))"},
	{"bunscope_spans_created_total",
	 "sum by (instance) (rate(bunscope_spans_created_total[5m]))"},
	{"bunscope_spans_queued", "max by (instance) (bunscope_spans_queued)"},
	{"bunscope_scrape_seconds", "histogram_quantile(0.99, sum by (le, instance) "
				    "(rate(bunscope_scrape_seconds_bucket[5m])))"},
	{"process_cpu_seconds_total", "rate(process_cpu_seconds_total{job=\"bunscope\"}[5m])"},
	{"process_open_fds", "process_open_fds{job=\"bunscope\"} / process_max_fds"},
	{"process_max_fds", "process_max_fds{job=\"bunscope\"}"},
	{"process_resident_memory_bytes", "max(process_resident_memory_bytes{job=\"bunscope\"})"},
	{"process_virtual_memory_bytes", "process_virtual_memory_bytes{job=\"bunscope\"}"},
	{"process_start_time_seconds", "time() - process_start_time_seconds{job=\"bunscope\"}"},
};
