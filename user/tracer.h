/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From finished records to spans: whose child a run is, which trace is exported, and to whom spans go. A run whose
 * exchange is still under way waits for it, since only then its trace is known. Of all spans made,
 * created = exported + dropped + unsampled + queued, always.
 */
#include <linux/types.h>
#include <stdbool.h>

#include "exec/polls.h"
#include "exec/report.h"
#include "identity/identity.h"
#include "include/run.h"
#include "otlp/exporter.h"
#include "run/report.h"
#include "span/sample.h"
#include "span/tree.h"

/* Runs whose exchange is under way; what comes beyond is not made to wait. */
#define TRACER_WAITING_MAX 1024
/* Poll loops whose exchange is under way. */
#define TRACER_POLLS_MAX 256
/* Exchanges whose runs may still come: an async start is over long before its runs. */
#define TRACER_KNOWN_MAX 2048
/* No exchange takes longer: a synchronous execution has at most 300 s. */
#define TRACER_WAIT_NS (330 * 1000000000ull)

struct tracer;

struct tracer_config {
	struct sampler sampler;
	bool keep_notable;	   /* failed and slowest ones, whatever the sampler says */
	struct exporter *exporter; /* NULL = none; must outlive the tracer */
	/* Each span that is not left out, with the run or the exchange that it tells of; may be NULL. */
	void (*span)(void *arg, const struct span *span, const struct span_place *place);
	void (*run_sampled)(void *arg, const struct report *report, const struct span *span);
	void (*exec_sampled)(void *arg, const struct exec_report *report, const struct span *span);
	void (*polls_sampled)(void *arg, const struct poll_report *report, const struct span *span);
	void *arg;
};

struct tracer_totals {
	uint64_t created;
	uint64_t unsampled;
	uint64_t malformed_parents; /* traceparents, and tracestates, that were ignored */
	uint64_t malformed_states;
	struct exporter_totals exporter; /* queued: here as well as there */
};

int tracer_new(const struct tracer_config *config, struct tracer **ret);
void tracer_free(struct tracer **owner);
/* Each record, a run's or not: what it teaches of Bun. Before tracer_run() with the same. */
void tracer_record(struct tracer *tracer, const struct run *run);
/* identity: whose it is. */
void tracer_run(struct tracer *tracer, const struct run *run, const struct report *report,
		const struct identity *identity);
void tracer_exchange(struct tracer *tracer, const struct exec_report *report,
		     const struct identity *identity);
/* The poll loop of a synchronous workflow is over: the child of its exchange. */
void tracer_polls(struct tracer *tracer, const struct poll_report *report);
/* Now and then: ends the waiting of runs whose exchange never came, and sends what is due. */
void tracer_tick(struct tracer *tracer);
/* Nothing waits any longer. */
void tracer_flush(struct tracer *tracer);
void tracer_totals(const struct tracer *tracer, struct tracer_totals *ret);
