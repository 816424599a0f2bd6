/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a run moves the runtime_* numbers. The agent's own are moved by user/agent.c, in the same registry. */
#include "exec/polls.h"
#include "metric/metric.h"
#include "run/report.h"
#include "sink/owner.h"

struct metrics;
struct tool;

/*
 * prefix and max_label_values as for registry_new(). owner_labels: bits 1u << enum owner_label, which the series of
 * runs get behind their own. 0 or -errno.
 */
int metrics_new(const char *prefix, unsigned max_label_values, unsigned owner_labels,
		struct metrics **ret);
void metrics_free(struct metrics **owner);
struct registry *metrics_registry(struct metrics *metrics);

/* What a report's owner is to be, for good. 0 where no such labels were asked for. */
uint32_t metrics_owner(struct metrics *metrics, const struct identity *identity);
/* How often an owner became `_other`. */
uint64_t metrics_owner_overflows(const struct metrics *metrics);

/* A run is over. */
void metrics_run(struct metrics *metrics, const struct report *report);

/* The same run's span was exported: the example of its latencies. labels and time_ns: series_exemplar(). */
void metrics_run_exemplar(struct metrics *metrics, const struct report *report, const char *labels,
			  uint64_t time_ns);

/* A synchronous workflow was waited for. */
void metrics_polls(struct metrics *metrics, const struct poll_report *report);
/* The same loop's span was exported: the example of its duration. labels and time_ns: series_exemplar(). */
void metrics_polls_exemplar(struct metrics *metrics, const struct poll_report *report,
			    const char *labels, uint64_t time_ns);

/* So many calls failed before there was a process, and so a tool's name. */
void metrics_spawns_failed(struct metrics *metrics, uint64_t n);

/* A tool of an owner, for metrics_in_flight(). Lives as long as the metrics. NULL without memory. */
struct tool *metrics_tool(struct metrics *metrics, const char *tool_id, uint32_t owner);
/* Before each walk: nothing is in flight. */
void metrics_in_flight_reset(struct metrics *metrics);
/* One more of its runs is in flight. */
void metrics_in_flight(struct metrics *metrics, struct tool *tool);
void metrics_oldest(struct metrics *metrics, uint64_t age_ns);
