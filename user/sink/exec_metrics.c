/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/exec_metrics.h"

#include <stdio.h>

#include "sink/families.h"

static struct series *series_of(struct registry *registry, enum family_index family,
				const char *first, const char *second)
{
	const char *values[] = {first, second};

	return registry_series(registry, family, values);
}

/* Without memory for a new series its samples are dropped. */
static void add(struct registry *registry, enum family_index family, enum exec_kind kind,
		const char *second)
{
	struct series *series = series_of(registry, family, exec_kind_names[kind], second);

	if (series)
		series_add(series, 1);
}

void exec_metrics_init(struct registry *registry)
{
	for (int kind = 0; kind < EXEC_KIND_COUNT; kind++) {
		const char *name = exec_kind_names[kind];

		(void)series_of(registry, FAMILY_EXEC_STARTED, name, NULL);
		(void)series_of(registry, FAMILY_EXEC_TIMEOUTS, name, NULL);
		for (int outcome = 0; outcome < EXEC_OUTCOME_COUNT; outcome++)
			(void)series_of(registry, FAMILY_EXEC_SYNC_SECONDS, name,
					exec_outcome_names[outcome]);
	}
}

static void count_error(struct registry *registry, const struct exec_report *report)
{
	char code[12] = "none";

	if (report->code)
		(void)snprintf(code, sizeof(code), "%u", report->code);
	add(registry, FAMILY_EXEC_ERRORS, report->kind, code);
}

static struct series *latency_of(struct registry *registry, const struct exec_report *report)
{
	return series_of(registry, FAMILY_EXEC_SYNC_SECONDS, exec_kind_names[report->kind],
			 exec_outcome_names[report->outcome]);
}

static void count_sync(struct registry *registry, const struct exec_report *report)
{
	struct series *series = latency_of(registry, report);

	if (series)
		series_observe(series, report->latency_ns);
	if (report->outcome == EXEC_OUTCOME_TIMEOUT)
		add(registry, FAMILY_EXEC_TIMEOUTS, report->kind, NULL);
}

void exec_metrics_count(struct registry *registry, const struct exec_report *report)
{
	if (report->operation == EXEC_OPERATION_STATUS || report->refused)
		return;
	if (report->operation == EXEC_OPERATION_SYNC)
		count_sync(registry, report);
	else if (report->code == 202)
		add(registry, FAMILY_EXEC_STARTED, report->kind, NULL);
	if (report->code == 0 || report->code >= 400)
		count_error(registry, report);
}

void exec_metrics_exemplar(struct registry *registry, const struct exec_report *report,
			   const char *labels, uint64_t time_ns)
{
	struct series *series;

	if (report->operation != EXEC_OPERATION_SYNC || report->refused)
		return;
	series = latency_of(registry, report);
	if (series)
		series_exemplar(series, report->latency_ns, labels, time_ns);
}
