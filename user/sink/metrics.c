/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sink/families.h"

struct metrics {
	struct registry *registry;
};

static const char *const thread_states[] = {"cpu", "runqueue", "wait"};

int metrics_new(const char *prefix, unsigned max_label_values, struct metrics **ret)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return -ENOMEM;
	int r = registry_new(families, FAMILY_COUNT, prefix, max_label_values, &metrics->registry);
	if (r < 0) {
		free(metrics);
		return r;
	}
	/* The one runtime family without labels: it is there from the start. */
	(void)registry_series(metrics->registry, FAMILY_TOOL_OLDEST_SECONDS, NULL);
	*ret = metrics;
	return 0;
}

void metrics_free(struct metrics **owner)
{
	struct metrics *metrics = take_ptr(*owner);

	if (!metrics)
		return;
	registry_free(&metrics->registry);
	free(metrics);
}

struct registry *metrics_registry(struct metrics *metrics)
{
	return metrics->registry;
}

/* Without memory for a new series its samples are dropped; the registry's reader sees none of it. */
static struct series *series_of(struct metrics *metrics, enum family_index family,
				const char *first, const char *second)
{
	const char *values[] = {first, second};

	return registry_series(metrics->registry, family, values);
}

static void add(struct metrics *metrics, enum family_index family, const char *first,
		const char *second, uint64_t n)
{
	struct series *series = series_of(metrics, family, first, second);

	if (series)
		series_add(series, n);
}

static void observe(struct metrics *metrics, enum family_index family, const char *first,
		    const char *second, uint64_t value)
{
	struct series *series = series_of(metrics, family, first, second);

	if (series)
		series_observe(series, value);
}

/* A tool's series of closed label sets are there, at 0, before the first of them moves. */
static void make_tool_series(struct metrics *metrics, const char *tool)
{
	size_t lines = registry_lines(metrics->registry);

	(void)series_of(metrics, FAMILY_TOOL_IN_FLIGHT, tool, NULL);
	if (registry_lines(metrics->registry) == lines)
		return; /* known, and so are the others */
	for (int i = 0; i < OUTCOME_COUNT; i++)
		(void)series_of(metrics, FAMILY_TOOL_EXECUTE_SECONDS, tool, outcome_names[i]);
	for (int i = 0; i < ERROR_KIND_COUNT; i++)
		(void)series_of(metrics, FAMILY_TOOL_ERRORS, tool, error_kind_names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(thread_states); i++)
		(void)series_of(metrics, FAMILY_TOOL_MAIN_THREAD_SECONDS, tool, thread_states[i]);
	(void)series_of(metrics, FAMILY_TOOL_TIMEOUTS, tool, NULL);
}

const char *metrics_tool(struct metrics *metrics, const char *tool_id)
{
	const char *tool =
		registry_label_peek(metrics->registry, "tool_id", tool_id, strlen(tool_id));

	make_tool_series(metrics, tool);
	return tool;
}

static void count_exit(struct metrics *metrics, const struct report *report)
{
	char code[8];

	(void)snprintf(code, sizeof(code), "%d",
		       report->signal ? 128 + report->signal : report->status);
	const char *values[] = {report->signal ? "signal" : "exit", code,
				signal_name(report->signal)};
	struct series *series = registry_series(metrics->registry, FAMILY_BUN_EXITS, values);

	if (series)
		series_add(series, 1);
	if (report->signal)
		add(metrics, FAMILY_BUN_SIGNALS, signal_name(report->signal),
		    sender_names[report->sender], 1);
}

static void count_outcome(struct metrics *metrics, const char *tool, const struct report *report)
{
	observe(metrics, FAMILY_TOOL_EXECUTE_SECONDS, tool, outcome_names[report->outcome],
		report->latency_ns);
	for (unsigned kind = 0; kind < ERROR_KIND_COUNT; kind++) {
		if (report->error_kinds & 1u << kind)
			add(metrics, FAMILY_TOOL_ERRORS, tool, error_kind_names[kind], 1);
	}
	if (report->timed_out)
		add(metrics, FAMILY_TOOL_TIMEOUTS, tool, NULL, 1);
}

/* What only a process that ran can have used. */
static void count_resources(struct metrics *metrics, const char *tool, const struct report *report)
{
	const uint64_t thread_ns[] = {report->main_cpu_ns, report->main_runqueue_ns,
				      report->main_wait_ns};

	for (size_t i = 0; i < ARRAY_SIZE(thread_states); i++)
		add(metrics, FAMILY_TOOL_MAIN_THREAD_SECONDS, tool, thread_states[i], thread_ns[i]);
	observe(metrics, FAMILY_TOOL_CPU_SECONDS, tool, NULL, report->cpu_ns);
	observe(metrics, FAMILY_TOOL_MAX_RSS_BYTES, tool, NULL, report->max_rss_bytes);
	observe(metrics, FAMILY_TOOL_INPUT_BYTES, tool, NULL, report->input_bytes);
	observe(metrics, FAMILY_TOOL_STDERR_BYTES, tool, NULL, report->stderr_bytes);
	if (report->has_output)
		observe(metrics, FAMILY_TOOL_OUTPUT_BYTES, tool, NULL, report->output_bytes);
	if (report->has_startup)
		observe(metrics, FAMILY_TOOL_STARTUP_SECONDS, tool, NULL, report->startup_ns);
}

void metrics_run(struct metrics *metrics, const struct report *report)
{
	const char *tool = registry_label_value(metrics->registry, "tool_id", report->tool_id,
						strlen(report->tool_id));

	make_tool_series(metrics, tool);
	count_outcome(metrics, tool, report);
	if (!report->exited)
		return;
	count_exit(metrics, report);
	count_resources(metrics, tool, report);
}

void metrics_in_flight_reset(struct metrics *metrics)
{
	registry_zero(metrics->registry, FAMILY_TOOL_IN_FLIGHT);
}

void metrics_in_flight(struct metrics *metrics, const char *tool)
{
	struct series *series = series_of(metrics, FAMILY_TOOL_IN_FLIGHT, tool, NULL);

	if (series)
		series_set(series, series_value(series) + 1);
}

void metrics_oldest(struct metrics *metrics, uint64_t age_ns)
{
	struct series *series = series_of(metrics, FAMILY_TOOL_OLDEST_SECONDS, NULL, NULL);

	if (series)
		series_set(series, age_ns);
}
