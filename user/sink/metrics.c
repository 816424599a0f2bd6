/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sink/exec_metrics.h"
#include "sink/families.h"
#include "sink/tools.h"

/* Statuses and signals; a status has 8 bits. */
#define EXITS_MAX 256

/* Tools that have an owner of their own, in so many of an open label's values. */
#define TOOLS_PER_VALUE 4

struct metrics {
	struct family families[FAMILY_COUNT];
	struct registry *registry;
	struct owner_set owners;
	struct tools tools;
	struct series
		*exits[2][EXITS_MAX]; /* of OWNER_UNKNOWN, by status, by signal; NULL: not yet */
};

/* The families of runs: those that an owner's labels go to. */
#define X(name, values, count) FAMILY_TOOL_##name,
static const enum family_index of_runs[] = {TOOL_FAMILIES(X) FAMILY_BUN_EXITS, FAMILY_BUN_SIGNALS};
#undef X

static void label_family(struct family *family, unsigned owner_labels)
{
	size_t n = 0;

	while (family->labels[n])
		n++;
	for (unsigned i = 0; i < OWNER_LABEL_COUNT; i++) {
		if (owner_labels & 1u << i)
			family->labels[n++] = owner_label_names[i];
	}
}

/*
 * What an alert wants to see rise from 0: without it the first OOM kill is a series that begins at 1, of
 * which increase() says nothing.
 */
static void make_first_series(struct metrics *metrics, uint32_t owner)
{
	for (int sender = 0; sender < SENDER_COUNT; sender++) {
		const char *values[METRIC_LABELS_MAX] = {signal_name(SIGKILL),
							 sender_names[sender]};

		(void)owner_set_values(&metrics->owners, owner, values + 2);
		(void)registry_series(metrics->registry, FAMILY_BUN_SIGNALS, values);
	}
}

static int start(struct metrics *metrics, const char *prefix, unsigned max_label_values,
		 unsigned owner_labels)
{
	memcpy(metrics->families, families, sizeof(families));
	for (size_t i = 0; i < ARRAY_SIZE(of_runs); i++)
		label_family(&metrics->families[of_runs[i]], owner_labels);
	int r = owner_set_init(&metrics->owners, owner_labels, max_label_values);
	if (r == 0)
		r = registry_new(metrics->families, FAMILY_COUNT, prefix, max_label_values,
				 &metrics->registry);
	if (r < 0)
		return r;
	metrics->tools = (struct tools){
		.registry = metrics->registry,
		.owners = &metrics->owners,
		.max = (size_t)TOOLS_PER_VALUE * max_label_values,
	};
	r = registry_label_own(metrics->registry, "tool_id", TOOL_ID_UNKNOWN);
	if (r < 0)
		return r;
	(void)registry_series(metrics->registry, FAMILY_TOOL_OLDEST_SECONDS, NULL);
	make_first_series(metrics, OWNER_UNKNOWN);
	exec_metrics_init(metrics->registry);
	return 0;
}

int metrics_new(const char *prefix, unsigned max_label_values, unsigned owner_labels,
		struct metrics **ret)
{
	_cleanup_(metrics_free) struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return -ENOMEM;
	int r = start(metrics, prefix, max_label_values, owner_labels);
	if (r == 0)
		*ret = take_ptr(metrics);
	return r;
}

void metrics_free(struct metrics **owner)
{
	struct metrics *metrics = take_ptr(*owner);

	if (!metrics)
		return;
	tools_free(&metrics->tools);
	registry_free(&metrics->registry);
	owner_set_free(&metrics->owners);
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

static void add(struct metrics *metrics, struct tool *tool, unsigned place, uint64_t n)
{
	struct series *series = tool_series(&metrics->tools, tool, place);

	if (series)
		series_add(series, n);
}

static void observe(struct metrics *metrics, struct tool *tool, unsigned place, uint64_t value)
{
	struct series *series = tool_series(&metrics->tools, tool, place);

	if (series)
		series_observe(series, value);
}

uint32_t metrics_owner(struct metrics *metrics, const struct identity *identity)
{
	uint32_t count = metrics->owners.count;
	uint32_t owner = owner_set_number(&metrics->owners, identity);

	if (metrics->owners.count > count)
		make_first_series(metrics, owner);
	return owner;
}

uint64_t metrics_owner_overflows(const struct metrics *metrics)
{
	return metrics->owners.overflows;
}

struct tool *metrics_tool(struct metrics *metrics, const char *tool_id, uint32_t owner)
{
	const char *label =
		registry_label_peek(metrics->registry, "tool_id", tool_id, strlen(tool_id));

	return tools_find(&metrics->tools, label, owner);
}

static struct series *exit_series(struct metrics *metrics, const struct report *report)
{
	struct series **known =
		&metrics->exits[report->signal != 0][report->signal ?: report->status];
	const char *values[METRIC_LABELS_MAX] = {report->signal ? "signal" : "exit", NULL,
						 signal_name(report->signal)};
	struct series *series;
	char code[8];

	if (*known && report->owner == OWNER_UNKNOWN)
		return *known;
	(void)snprintf(code, sizeof(code), "%d",
		       report->signal ? 128 + report->signal : report->status);
	values[1] = code;
	(void)owner_set_values(&metrics->owners, report->owner, values + 3);
	series = registry_series(metrics->registry, FAMILY_BUN_EXITS, values);
	if (report->owner == OWNER_UNKNOWN)
		*known = series;
	return series;
}

static void count_exit(struct metrics *metrics, const struct report *report)
{
	const char *values[METRIC_LABELS_MAX] = {signal_name(report->signal),
						 sender_names[report->sender]};
	struct series *series = exit_series(metrics, report);

	if (series)
		series_add(series, 1);
	if (!report->signal)
		return;
	(void)owner_set_values(&metrics->owners, report->owner, values + 2);
	series = registry_series(metrics->registry, FAMILY_BUN_SIGNALS, values);
	if (series)
		series_add(series, 1);
}

static void count_outcome(struct metrics *metrics, struct tool *tool, const struct report *report)
{
	observe(metrics, tool, TOOL_EXECUTE_SECONDS + report->outcome, report->latency_ns);
	for (unsigned kind = 0; kind < ERROR_KIND_COUNT; kind++) {
		if (report->error_kinds & 1u << kind)
			add(metrics, tool, TOOL_ERRORS + kind, 1);
	}
	if (report->timed_out)
		add(metrics, tool, TOOL_TIMEOUTS, 1);
}

/* What only a process that ran can have used. */
static void count_resources(struct metrics *metrics, struct tool *tool, const struct report *report)
{
	add(metrics, tool, TOOL_MAIN_THREAD_SECONDS + THREAD_CPU, report->main_cpu_ns);
	add(metrics, tool, TOOL_MAIN_THREAD_SECONDS + THREAD_RUNQUEUE, report->main_runqueue_ns);
	add(metrics, tool, TOOL_MAIN_THREAD_SECONDS + THREAD_WAIT, report->main_wait_ns);
	observe(metrics, tool, TOOL_CPU_SECONDS, report->cpu_ns);
	observe(metrics, tool, TOOL_MAX_RSS_BYTES, report->max_rss_bytes);
	observe(metrics, tool, TOOL_INPUT_BYTES, report->input_bytes);
	observe(metrics, tool, TOOL_STDERR_BYTES, report->stderr_bytes);
	if (report->has_output)
		observe(metrics, tool, TOOL_OUTPUT_BYTES, report->output_bytes);
	if (report->has_startup)
		observe(metrics, tool, TOOL_STARTUP_SECONDS, report->startup_ns);
}

void metrics_run(struct metrics *metrics, const struct report *report)
{
	const char *label = registry_label_value(metrics->registry, "tool_id", report->tool_id,
						 strlen(report->tool_id));
	struct tool *tool = tools_find(&metrics->tools, label, report->owner);

	if (tool)
		count_outcome(metrics, tool, report);
	if (!report->exited)
		return;
	count_exit(metrics, report);
	if (tool)
		count_resources(metrics, tool, report);
}

void metrics_run_exemplar(struct metrics *metrics, const struct report *report, const char *labels,
			  uint64_t time_ns)
{
	struct tool *tool = metrics_tool(metrics, report->tool_id, report->owner);
	struct series *series;

	if (!tool)
		return;
	series = tool_series(&metrics->tools, tool, TOOL_EXECUTE_SECONDS + report->outcome);
	if (series)
		series_exemplar(series, report->latency_ns, labels, time_ns);
	if (!report->exited || !report->has_startup)
		return;
	series = tool_series(&metrics->tools, tool, TOOL_STARTUP_SECONDS);
	if (series)
		series_exemplar(series, report->startup_ns, labels, time_ns);
}

void metrics_polls(struct metrics *metrics, const struct poll_report *report)
{
	const char *workflow = registry_label_value(
		metrics->registry, "workflow_id", report->workflow_id, strlen(report->workflow_id));
	struct series *series = series_of(metrics, FAMILY_WORKFLOW_POLLS, workflow,
					  poll_outcome_names[report->outcome]);

	if (series)
		series_add(series, report->polls);
	series = series_of(metrics, FAMILY_WORKFLOW_POLL_SECONDS, workflow, NULL);
	if (series)
		series_observe(series, report->end_ns - report->begin_ns);
}

void metrics_polls_exemplar(struct metrics *metrics, const struct poll_report *report,
			    const char *labels, uint64_t time_ns)
{
	const char *workflow = registry_label_peek(
		metrics->registry, "workflow_id", report->workflow_id, strlen(report->workflow_id));
	struct series *series = series_of(metrics, FAMILY_WORKFLOW_POLL_SECONDS, workflow, NULL);

	if (series)
		series_exemplar(series, report->end_ns - report->begin_ns, labels, time_ns);
}

void metrics_spawns_failed(struct metrics *metrics, uint64_t n)
{
	struct tool *tool = metrics_tool(metrics, TOOL_ID_UNKNOWN, OWNER_UNKNOWN);

	if (tool)
		add(metrics, tool, TOOL_ERRORS + ERROR_KIND_START, n);
}

void metrics_in_flight_reset(struct metrics *metrics)
{
	registry_zero(metrics->registry, FAMILY_TOOL_IN_FLIGHT);
}

void metrics_in_flight(struct metrics *metrics, struct tool *tool)
{
	struct series *series = tool_series(&metrics->tools, tool, TOOL_IN_FLIGHT);

	if (series)
		series_set(series, series_value(series) + 1);
}

void metrics_oldest(struct metrics *metrics, uint64_t age_ns)
{
	struct series *series = series_of(metrics, FAMILY_TOOL_OLDEST_SECONDS, NULL, NULL);

	if (series)
		series_set(series, age_ns);
}
