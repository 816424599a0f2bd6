/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a run moves the runtime_* numbers. The agent's own are moved by user/agent.c, in the same registry. */
#include "exec/polls.h"
#include "metric/metric.h"
#include "run/report.h"

struct metrics;

/* prefix and max_label_values as for registry_new(). 0 or -errno. */
int metrics_new(const char *prefix, unsigned max_label_values, struct metrics **ret);
void metrics_free(struct metrics **owner);
struct registry *metrics_registry(struct metrics *metrics);

/* A run is over. */
void metrics_run(struct metrics *metrics, const struct report *report);

/* The same run's span was exported: the example of its latency. labels and time_ns: series_exemplar(). */
void metrics_run_exemplar(struct metrics *metrics, const struct report *report, const char *labels,
			  uint64_t time_ns);

/* A synchronous workflow was waited for. */
void metrics_polls(struct metrics *metrics, const struct poll_report *report);

/* So many calls failed before there was a process, and so a tool's name. */
void metrics_spawns_failed(struct metrics *metrics, uint64_t n);

/* A tool's name as a label, for metrics_in_flight(). Lives as long as the metrics. */
const char *metrics_tool(struct metrics *metrics, const char *tool_id);
/* Before each walk: nothing is in flight. */
void metrics_in_flight_reset(struct metrics *metrics);
/* One more run of a tool, named by metrics_tool(), is in flight. */
void metrics_in_flight(struct metrics *metrics, const char *tool);
void metrics_oldest(struct metrics *metrics, uint64_t age_ns);
