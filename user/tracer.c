/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "run/detail.h"
#include "span/exec_span.h"
#include "span/ids.h"
#include "span/poll_span.h"
#include "span/prepare_span.h"
#include "span/run_span.h"

/* What the spans of one exchange share. */
struct known {
	uint64_t exchange_id;
	struct trace_id trace;
	struct span_id span; /* all zero: the exchange itself was never seen to end */
	bool sampled;
	bool notable; /* one of them is kept, and so all are */
	uint64_t epoch_ns;
	char state[TRACESTATE_BYTES + 1];
	/* Of the exchange, for its poll loop: 0 while it is under way. */
	uint64_t goroutine;
	uint64_t begin_ns;
	uint64_t end_ns;
	uint32_t server_pid;
	char exec_id[EXEC_ID_BYTES + 1];
	struct identity identity;
};

struct waiting_polls {
	struct poll_report report;
	uint64_t since_ns; /* 0 = free */
};

struct waiting {
	struct report report;
	struct run_detail detail;
	struct identity identity;
	uint64_t exchange_id; /* 0 = free */
	uint64_t since_ns;
	bool notable;
};

struct tracer {
	struct tracer_config config;
	struct ids ids;
	struct slowest slowest;
	struct bun_versions versions;
	struct tracer_totals totals;
	struct span span;		      /* the one that is being made */
	uint64_t known_ids[TRACER_KNOWN_MAX]; /* of known, apart: they are searched; 0 = free */
	struct known known[TRACER_KNOWN_MAX];
	size_t next_known;
	struct waiting waiting[TRACER_WAITING_MAX];
	size_t waiting_count;
	struct waiting_polls polls[TRACER_POLLS_MAX];
	size_t polls_count;
};

/* Unix time when the kernel's clock was 0, as of now. */
static uint64_t epoch_ns(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_monotonic_ns();
}

/* ---- what an exchange's spans share ---- */

static struct known *known_find(struct tracer *tracer, uint64_t exchange_id)
{
	for (size_t i = 0; i < TRACER_KNOWN_MAX; i++) {
		if (tracer->known_ids[i] == exchange_id)
			return &tracer->known[i];
	}
	return NULL;
}

/* In the place of the oldest. A trace of its own until somebody knows better. */
static struct known *known_add(struct tracer *tracer, uint64_t exchange_id)
{
	size_t at = tracer->next_known++ % TRACER_KNOWN_MAX;
	struct known *known = &tracer->known[at];

	tracer->known_ids[at] = exchange_id;
	*known = (struct known){
		.exchange_id = exchange_id,
		.trace = ids_trace(&tracer->ids),
		.epoch_ns = epoch_ns(),
	};
	known->sampled = sampler_decide(&tracer->config.sampler, &known->trace, NULL);
	return known;
}

/* The request's own trace, when it says so well-formed. */
static void known_take_parent(struct tracer *tracer, struct known *known,
			      const struct exec_report *report, struct span_id *ret_parent)
{
	struct trace_context parent;
	size_t n = strlen(report->tracestate);

	if (*report->traceparent == '\0')
		return;
	if (!traceparent_read(report->traceparent, strlen(report->traceparent), &parent)) {
		tracer->totals.malformed_parents++;
		return;
	}
	known->trace = parent.trace;
	known->sampled = sampler_decide(&tracer->config.sampler, &parent.trace, &parent);
	*ret_parent = parent.parent;
	if (tracestate_valid(report->tracestate, n))
		memcpy(known->state, report->tracestate, n + 1);
	else
		tracer->totals.malformed_states += n > 0;
}

/* ---- one span ---- */

/* Of those made, what is not left out goes everywhere. */
static bool span_send(struct tracer *tracer, bool keep, const struct span_place *place)
{
	const struct tracer_config *config = &tracer->config;

	if (!keep) {
		tracer->totals.unsampled++;
		return false;
	}
	if (config->exporter)
		exporter_add(config->exporter, &tracer->span, clock_monotonic_ns());
	if (config->span)
		config->span(config->arg, &tracer->span, place);
	return true;
}

/* Below what is known: its trace, its clock, its state. */
static void span_join(struct span *span, const struct known *known)
{
	span->trace = known->trace;
	span->parent = known->span;
	span->sampled = known->sampled;
	span->epoch_ns = known->epoch_ns;
	span_set_state(span, known->state);
}

/* OpenTelemetry's names of whose it is. */
static void span_belong(struct span *span, const struct identity *identity)
{
	span_add_owner(span, "container.id", identity->container_id);
	span_add_owner(span, "k8s.pod.uid", identity->pod_uid);
	span_add_owner(span, "k8s.namespace.name", identity->namespace);
	span_add_owner(span, "k8s.pod.name", identity->pod);
	span_add_owner(span, "k8s.container.name", identity->container);
}

static void send_run(struct tracer *tracer, const struct waiting *run, const struct known *known,
		     const struct span_place *place)
{
	struct span *span = &tracer->span;

	run_span_build(&run->report, &run->detail, span);
	span->id = ids_span(&tracer->ids);
	span_join(span, known);
	span_belong(span, &run->identity);
	if (span_send(tracer, known->sampled || known->notable || run->notable, place) &&
	    tracer->config.run_sampled)
		tracer->config.run_sampled(tracer->config.arg, &run->report, span);
}

/* ---- poll loops that wait ---- */

/* By the execution's id where the answer named it, else by the goroutine, in the exchange's time. */
static bool polls_belong(const struct poll_report *polls, const struct known *known)
{
	if (polls->server_pid != known->server_pid || polls->begin_ns < known->begin_ns ||
	    polls->begin_ns > known->end_ns)
		return false;
	if (*known->exec_id)
		return strcmp(polls->exec_id, known->exec_id) == 0;
	return polls->goroutine && polls->goroutine == known->goroutine;
}

static void send_polls(struct tracer *tracer, const struct poll_report *report,
		       const struct known *known, const struct span_place *place)
{
	struct span *span = &tracer->span;

	poll_span_build(report, span);
	span->id = ids_span(&tracer->ids);
	span_join(span, known);
	span_belong(span, &known->identity);
	if (span_send(tracer, known->sampled || known->notable, place) &&
	    tracer->config.polls_sampled)
		tracer->config.polls_sampled(tracer->config.arg, report, span);
}

static void release_polls(struct tracer *tracer, const struct known *known, bool last)
{
	for (size_t i = 0; tracer->polls_count && i < TRACER_POLLS_MAX; i++) {
		struct waiting_polls *polls = &tracer->polls[i];

		if (!polls->since_ns || !polls_belong(&polls->report, known))
			continue;
		polls->since_ns = 0;
		tracer->polls_count--;
		send_polls(tracer, &polls->report, known, &(struct span_place){true, last});
	}
}

/* A root: whose it was is not known. */
static void give_up_polls(struct tracer *tracer, struct waiting_polls *polls)
{
	struct known alone = {.trace = ids_trace(&tracer->ids), .epoch_ns = epoch_ns()};

	alone.sampled = sampler_decide(&tracer->config.sampler, &alone.trace, NULL);
	polls->since_ns = 0;
	tracer->polls_count--;
	send_polls(tracer, &polls->report, &alone, &(struct span_place){});
}

static struct waiting_polls *polls_place(struct tracer *tracer)
{
	for (size_t i = 0; i < TRACER_POLLS_MAX; i++) {
		if (!tracer->polls[i].since_ns)
			return &tracer->polls[i];
	}
	give_up_polls(tracer, &tracer->polls[0]);
	return &tracer->polls[0];
}

void tracer_polls(struct tracer *tracer, const struct poll_report *report)
{
	struct waiting_polls *place;

	tracer->totals.created++;
	for (size_t i = 0; i < TRACER_KNOWN_MAX; i++) {
		if (tracer->known[i].end_ns && polls_belong(report, &tracer->known[i])) {
			send_polls(tracer, report, &tracer->known[i], &(struct span_place){});
			return;
		}
	}
	place = polls_place(tracer);
	*place = (struct waiting_polls){*report, clock_monotonic_ns()};
	tracer->polls_count++;
}

/* ---- runs that wait ---- */

static struct waiting *next_of(struct tracer *tracer, uint64_t exchange_id)
{
	struct waiting *first = NULL;

	for (size_t i = 0; i < TRACER_WAITING_MAX; i++) {
		struct waiting *run = &tracer->waiting[i];

		if (run->exchange_id == exchange_id &&
		    (!first || run->report.start_ns < first->report.start_ns))
			first = run;
	}
	return first;
}

/* All of one exchange, in the order in which they began. */
static void release(struct tracer *tracer, const struct known *known)
{
	struct waiting *run = tracer->waiting_count ? next_of(tracer, known->exchange_id) : NULL;

	while (run) {
		uint64_t exchange_id = run->exchange_id;

		run->exchange_id = 0;
		struct waiting *next = next_of(tracer, exchange_id);
		send_run(tracer, run, known, &(struct span_place){true, next == NULL});
		tracer->waiting_count--;
		run = next;
	}
}

static bool any_notable(const struct tracer *tracer, uint64_t exchange_id)
{
	bool any = false;

	for (size_t i = 0; i < TRACER_WAITING_MAX; i++)
		any |= tracer->waiting[i].exchange_id == exchange_id && tracer->waiting[i].notable;
	return any;
}

/* Their exchange is not waited for any longer. Should it come all the same, it joins their trace. */
static void give_up(struct tracer *tracer, uint64_t exchange_id)
{
	struct known *known = known_add(tracer, exchange_id);

	known->notable = any_notable(tracer, exchange_id);
	release(tracer, known);
}

static struct waiting *find_place(struct tracer *tracer)
{
	for (size_t i = 0; i < TRACER_WAITING_MAX; i++) {
		if (!tracer->waiting[i].exchange_id)
			return &tracer->waiting[i];
	}
	return NULL;
}

static void wait_for_exchange(struct tracer *tracer, const struct waiting *run)
{
	struct waiting *place = find_place(tracer);

	if (!place) {
		give_up(tracer, tracer->waiting[0].exchange_id);
		place = find_place(tracer);
	}
	*place = *run;
	tracer->waiting_count++;
}

/* ---- records ---- */

void tracer_record(struct tracer *tracer, const struct run *run)
{
	bun_versions_learn(&tracer->versions, run);
}

static bool run_is_notable(struct tracer *tracer, const struct report *report, uint64_t now_ns)
{
	/* Asked in any case: it also keeps the record. */
	bool slowest = slowest_is(&tracer->slowest, report->tool_id, report->latency_ns, now_ns);

	return tracer->config.keep_notable && (slowest || report->outcome != OUTCOME_SUCCESS);
}

void tracer_run(struct tracer *tracer, const struct run *run, const struct report *report,
		const struct identity *identity)
{
	uint64_t now_ns = clock_monotonic_ns();
	struct waiting made = {
		.report = *report,
		.identity = *identity,
		.exchange_id = run->exchange_id,
		.since_ns = now_ns,
		.notable = run_is_notable(tracer, report, now_ns),
	};
	struct known *known = run->exchange_id ? known_find(tracer, run->exchange_id) : NULL;

	tracer->totals.created++;
	run_detail_read(run, &made.detail);
	bun_versions_find(&tracer->versions, run, made.detail.bun_version);
	if (known) {
		send_run(tracer, &made, known, &(struct span_place){});
	} else if (run->exchange_id) {
		wait_for_exchange(tracer, &made);
	} else {
		struct known alone = {.trace = ids_trace(&tracer->ids), .epoch_ns = epoch_ns()};

		alone.sampled = sampler_decide(&tracer->config.sampler, &alone.trace, NULL);
		send_run(tracer, &made, &alone, &(struct span_place){});
	}
}

static bool exec_is_notable(struct tracer *tracer, const struct exec_report *report)
{
	bool slowest = slowest_is(&tracer->slowest, report->resource_id, report->latency_ns,
				  clock_monotonic_ns());

	return tracer->config.keep_notable && (slowest || report->outcome != EXEC_OUTCOME_SUCCESS);
}

/* What its poll loop is known by. */
static void known_end(struct known *known, const struct exec_report *report)
{
	known->goroutine = report->goroutine;
	known->begin_ns = report->request_first_ns;
	known->end_ns = report->end_ns;
	known->server_pid = report->server_pid;
	memcpy(known->exec_id, report->exec_id, sizeof(known->exec_id));
}

static void send_exec(struct tracer *tracer, const struct exec_report *report,
		      const struct known *known, const struct span_id *parent)
{
	struct span *span = &tracer->span;

	exec_span_build(report, span);
	span_join(span, known);
	span_belong(span, &known->identity);
	span->id = known->span;
	span->parent = *parent;
	if (span_send(tracer, known->sampled || known->notable, &(struct span_place){}) &&
	    tracer->config.exec_sampled)
		tracer->config.exec_sampled(tracer->config.arg, report, span);
}

/* What was done before the execution began, where both are known. */
static void send_prepare(struct tracer *tracer, const struct exec_report *report,
			 const struct known *known)
{
	const struct span_place place = {true, next_of(tracer, known->exchange_id) == NULL};
	struct span *span = &tracer->span;

	if (!prepare_span_build(report, span))
		return;
	tracer->totals.created++;
	span->id = ids_span(&tracer->ids);
	span_join(span, known);
	span_belong(span, &known->identity);
	(void)span_send(tracer, known->sampled || known->notable, &place);
}

void tracer_exchange(struct tracer *tracer, const struct exec_report *report,
		     const struct identity *identity)
{
	struct known *known = known_find(tracer, report->exchange_id);
	struct span_id parent = {};

	if (report->operation == EXEC_OPERATION_STATUS || !report->exchange_id)
		return;
	tracer->totals.created++;
	if (!known) {
		known = known_add(tracer, report->exchange_id);
		known_take_parent(tracer, known, report, &parent);
	}
	known->notable |= exec_is_notable(tracer, report);
	known->notable |= any_notable(tracer, report->exchange_id);
	known->span = ids_span(&tracer->ids);
	known_end(known, report);
	known->identity = *identity;
	send_exec(tracer, report, known, &parent);
	send_prepare(tracer, report, known);
	release_polls(tracer, known, next_of(tracer, known->exchange_id) == NULL);
	release(tracer, known);
}

/* ---- time ---- */

static void give_up_older(struct tracer *tracer, uint64_t age_ns, uint64_t now_ns)
{
	for (size_t i = 0; tracer->waiting_count && i < TRACER_WAITING_MAX; i++) {
		const struct waiting *run = &tracer->waiting[i];

		if (run->exchange_id && now_ns - run->since_ns >= age_ns)
			give_up(tracer, run->exchange_id);
	}
	for (size_t i = 0; tracer->polls_count && i < TRACER_POLLS_MAX; i++) {
		struct waiting_polls *polls = &tracer->polls[i];

		if (polls->since_ns && now_ns - polls->since_ns >= age_ns)
			give_up_polls(tracer, polls);
	}
}

void tracer_tick(struct tracer *tracer)
{
	uint64_t now_ns = clock_monotonic_ns();

	give_up_older(tracer, TRACER_WAIT_NS, now_ns);
	if (tracer->config.exporter)
		exporter_tick(tracer->config.exporter, now_ns);
}

void tracer_flush(struct tracer *tracer)
{
	uint64_t now_ns = clock_monotonic_ns();

	give_up_older(tracer, 0, now_ns);
	if (tracer->config.exporter)
		exporter_flush(tracer->config.exporter, now_ns);
}

void tracer_totals(const struct tracer *tracer, struct tracer_totals *ret)
{
	*ret = tracer->totals;
	if (tracer->config.exporter)
		exporter_totals(tracer->config.exporter, &ret->exporter);
	ret->exporter.queued += tracer->waiting_count + tracer->polls_count;
}

int tracer_new(const struct tracer_config *config, struct tracer **ret)
{
	_cleanup_free_ struct tracer *tracer = calloc(1, sizeof(*tracer));
	uint64_t seed[4];

	if (!tracer)
		return -ENOMEM;
	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	tracer->config = *config;
	ids_init(&tracer->ids, seed);
	*ret = take_ptr(tracer);
	return 0;
}

void tracer_free(struct tracer **owner)
{
	free(*owner);
	*owner = NULL;
}
