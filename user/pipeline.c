/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "confine.h"
#include "exec/polls.h"
#include "exchanges.h"
#include "intake.h"
#include "kernel/probe.h"
#include "live.h"
#include "owners.h"
#include "run/settle.h"
#include "servers.h"
#include "setup.h"
#include "sink/metrics.h"

/* Of this many sweeps one walks the map even when the kernel's counters show nothing to sweep. */
#define SWEEPS_UNASKED 16

struct pipeline {
	const struct config *config;
	struct metrics *metrics;
	struct pipeline_sinks sinks;

	struct plan plan;
	struct probe *probe;

	struct servers *servers;
	struct owners *owners;

	struct live live;
	struct intake intake;
	struct exchanges exchanges;
	uint64_t finished;
	uint64_t rescued;
	uint64_t exits_unseen;	 /* lost for that cause */
	uint64_t swept;		 /* runs that are gone and that a sweep took, not the ring */
	uint64_t spawns_failed;	 /* as counted in the metrics */
	uint64_t polls_swept;	 /* poll loops that the ring could not take, when last swept */
	uint64_t polls_orphaned; /* whose server has ended */
	unsigned sweeps;
	bool unasked; /* this one is not for a run that waits */
	uint64_t decode_errors[DECODE_COUNT];
};

/* ---- a finished record ---- */

static uint32_t owner_of(struct pipeline *pipeline, const struct run *run)
{
	return metrics_owner(pipeline->metrics, pipeline_identity(pipeline, run));
}

static void run_finish(struct pipeline *pipeline, const struct run *run)
{
	const struct pipeline_sinks *sinks = &pipeline->sinks;
	struct report report;

	live_end(&pipeline->live, run);
	pipeline->finished++;
	uint32_t owner =
		owner_of(pipeline, run); /* in any case: its container is one that Bun runs in */
	/* Also where the ring could not tell at once. */
	if (!servers_know(pipeline->servers, run->parent_pid))
		servers_saw(pipeline->servers, run->parent_pid);
	if (sinks->record)
		sinks->record(sinks->arg, run);
	if (!intake_run(&pipeline->intake, run, owner, &report))
		probe_forget_unreaped(pipeline->probe, &run->key);
	else if (sinks->report)
		sinks->report(sinks->arg, run, &report);
}

static void polls_finish(struct pipeline *pipeline, const struct poll_loop *loop)
{
	struct poll_report report;

	poll_loop_report(loop, &report);
	metrics_polls(pipeline->metrics, &report);
	if (pipeline->sinks.polls)
		pipeline->sinks.polls(pipeline->sinks.arg, &report);
}

/* A loop is seen, or it is estimated; not both. */
static void exchange_finish(void *arg, const struct exec_report *report)
{
	struct pipeline *pipeline = arg;
	struct poll_report polls;

	if (poll_loop_estimate(report, &polls) &&
	    servers_estimate(pipeline->servers, report->server_pid))
		metrics_polls(pipeline->metrics, &polls);
	if (pipeline->sinks.exchange)
		pipeline->sinks.exchange(pipeline->sinks.arg, report);
}

/* What crosses the ring is told apart by its size. */
static void ring_record(void *arg, const void *bytes, size_t n)
{
	struct pipeline *pipeline = arg;
	const struct poll_loop *loop;
	const struct run *run;

	if (n == sizeof(struct server_seen)) {
		servers_saw(pipeline->servers, ((const struct server_seen *)bytes)->tgid);
		return;
	}
	if (poll_loop_decode(bytes, n, &loop)) {
		polls_finish(pipeline, loop);
		return;
	}
	if (exchanges_record(&pipeline->exchanges, bytes, n))
		return;
	enum decode_error error = run_decode(bytes, n, &run);

	if (error == DECODE_OK)
		run_finish(pipeline, run);
	else
		pipeline->decode_errors[error]++;
}

void pipeline_drain(struct pipeline *pipeline)
{
	int r = probe_drain(pipeline->probe);

	if (r < 0)
		log_error("cannot read the ring: %s", strerror(-r));
}

/* ---- runs that the ring will not bring ---- */

/* It exited while it was being adopted, or while the kernel left a program out. How, nobody knows. */
static void run_give_up(struct pipeline *pipeline, const struct run *run)
{
	int taken = probe_take_unended(pipeline->probe, &run->key);

	if (taken < 0)
		log_error("cannot remove a run that is gone: %s", strerror(-taken));
	/* Without an ordinal it is not among those begun. */
	if (taken > 0 && run->ordinal)
		pipeline->exits_unseen++;
}

static void run_sweep(struct pipeline *pipeline, const struct run *run)
{
	struct run over = *run;
	int streams = 0;

	if (!run->over)
		streams = probe_streams_state(pipeline->probe, &run->key);
	if (streams < 0) {
		log_error("cannot read the state of a run's streams: %s", strerror(-streams));
		return;
	}
	enum settle settle = run_settle(run, (unsigned)streams, clock_monotonic_ns());
	if (settle == SETTLE_WAIT)
		return;
	int taken = probe_take(pipeline->probe, &run->key);
	if (taken < 0)
		log_error("cannot remove a run that is over: %s", strerror(-taken));
	if (taken <= 0)
		return;
	if (!run->over)
		over.stdio[STDIO_OUT].peer.eof_ns = run_settled_eof_ns(run, (unsigned)streams);
	if (settle == SETTLE_OVER_UNREAD)
		over.stdio[STDIO_ERR].flags |= STREAM_UNREAD;
	pipeline->swept += run->gone_ns != 0;
	pipeline->rescued += run->over;
	run_finish(pipeline, &over);
}

static void sweep_record(void *arg, const void *bytes, size_t n)
{
	struct pipeline *pipeline = arg;
	const struct run *run;

	/* One that makes no sense stays, and is reported when the ring brings it. */
	if (run_decode(bytes, n, &run) != DECODE_OK)
		return;
	(void)pipeline_identity(pipeline, run); /* its container is still there */
	if (run->exit_ns || run->over)
		run_sweep(pipeline, run);
	else if (pipeline->unasked)
		run_give_up(pipeline, run);
}

/* The kernel's counter goes on; what is new since we last looked moves the metric. */
static void count_failed_spawns(struct pipeline *pipeline, const uint64_t *counters)
{
	uint64_t failed = counters[KERNEL_SPAWNS_FAILED];

	if (failed > pipeline->spawns_failed)
		metrics_spawns_failed(pipeline->metrics, failed - pipeline->spawns_failed);
	pipeline->spawns_failed = failed;
}

static bool is_gone(uint32_t pid)
{
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static void sweep_polls(void *arg, const void *bytes, size_t n)
{
	struct pipeline *pipeline = arg;
	const struct poll_loop *loop;

	if (!poll_loop_decode(bytes, n, &loop) || (!loop->waits_as && !is_gone(loop->key.tgid)))
		return;
	struct goroutine_key key = loop->key;
	if (loop->waits_as)
		key.goroutine = loop->waits_as;
	if (!probe_take_polls(pipeline->probe, &key))
		return;
	if (loop->waits_as)
		polls_finish(pipeline, loop);
	else
		pipeline->polls_orphaned++;
}

/* Lets go of servers that have ended, and of what their poll loops have left behind. */
static int watch_servers(struct pipeline *pipeline, uint64_t ring_full, bool look_again)
{
	size_t ended = servers_tick(pipeline->servers);

	if (look_again)
		servers_look_again(pipeline->servers);
	if (ended == 0 && ring_full == pipeline->polls_swept)
		return 0;
	pipeline->polls_swept = ring_full;
	return probe_walk_polls(pipeline->probe, sweep_polls, pipeline);
}

void pipeline_sweep(struct pipeline *pipeline)
{
	uint64_t counters[KERNEL_COUNTERS_COUNT] = {};
	int r = probe_counters(pipeline->probe, counters, NULL);
	bool waiting = counters[KERNEL_RUNS_EXITED] > counters[KERNEL_RUNS_SENT] + pipeline->swept;

	if (r == 0)
		count_failed_spawns(pipeline, counters);
	/* Now and then without a reason: should a count be wrong, nothing stays for ever. */
	pipeline->unasked = ++pipeline->sweeps % SWEEPS_UNASKED == 0;
	if (r == 0 && (waiting || pipeline->unasked))
		r = probe_walk(pipeline->probe, sweep_record, pipeline);
	if (r == 0)
		r = exchanges_sweep(&pipeline->exchanges, pipeline->probe, counters,
				    pipeline->unasked);
	/* At the same pace, so that those that were waited for do not fill their map. */
	if (r == 0 && pipeline->unasked)
		r = probe_unreaped(pipeline->probe) < 0 ? -EIO : 0;
	if (r == 0 && pipeline->unasked)
		r = probe_forget_gone(pipeline->probe);
	if (r == 0)
		r = watch_servers(pipeline, counters[KERNEL_POLLS_RING_FULL], pipeline->unasked);
	owners_tick(pipeline->owners, clock_monotonic_ns());
	if (r < 0)
		log_error("cannot sweep the runs map: %s", strerror(-r));
}

/* ---- the moment of a scrape ---- */

static void live_record(void *arg, const void *bytes, size_t n)
{
	struct pipeline *pipeline = arg;
	struct report report;
	const struct run *run;
	struct tool *tool = NULL;

	/* Without an ordinal it is not among those begun: its exec has not succeeded yet. */
	if (run_decode(bytes, n, &run) != DECODE_OK || !run->ordinal)
		return;
	if (intake_identify(&pipeline->intake, run, &report))
		tool = metrics_tool(pipeline->metrics, report.tool_id, owner_of(pipeline, run));
	live_add(&pipeline->live, run, tool);
}

static void set_in_flight(struct pipeline *pipeline)
{
	const struct live *live = &pipeline->live;
	uint64_t oldest = live_oldest_ns(live), now = clock_monotonic_ns();

	metrics_in_flight_reset(pipeline->metrics);
	for (size_t i = 0; i < live->count; i++) {
		if (live->runs[i].tool)
			metrics_in_flight(pipeline->metrics, live->runs[i].tool);
	}
	metrics_oldest(pipeline->metrics, oldest && now > oldest ? now - oldest : 0);
}

int pipeline_snapshot(struct pipeline *pipeline, struct run_totals *ret)
{
	struct live *live = &pipeline->live;
	struct run_totals totals = {};

	/* In this order: live.h says why. */
	live_reset(live);
	int r = probe_counters(pipeline->probe, totals.kernel, live->begun);
	if (r == 0)
		r = probe_walk(pipeline->probe, live_record, pipeline);
	if (r < 0)
		return r;
	count_failed_spawns(pipeline, totals.kernel);
	pipeline_drain(pipeline);
	set_in_flight(pipeline);

	memcpy(totals.decode_errors, pipeline->decode_errors, sizeof(totals.decode_errors));
	for (int i = 0; i < DECODE_COUNT; i++)
		totals.kernel[LOST_DECODE] += pipeline->decode_errors[i];
	totals.kernel[LOST_EXIT_UNSEEN] = pipeline->exits_unseen;
	totals.kernel[KERNEL_PROGRAMS_MISSED] = probe_missed(pipeline->probe);
	totals.kernel[KERNEL_POLLS_ABANDONED] += pipeline->polls_orphaned;
	totals.started =
		live_begun(live) + totals.kernel[LOST_MAP_FULL] + totals.kernel[LOST_NO_MEMORY];
	totals.finished = pipeline->finished;
	totals.rescued = pipeline->rescued;
	totals.exchange_errors = pipeline->exchanges.decode_errors;
	totals.in_flight = live->count;
	long unreaped = probe_unreaped(pipeline->probe);
	totals.unreaped = unreaped > 0 ? (uint64_t)unreaped : 0;
	live_reset(live); /* runs that end until the next scrape need not be looked for in it */
	*ret = totals;
	return 0;
}

/* ---- start and end ---- */

/* What works, but not as well as it could. */
static void log_second_choices(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		if (hook->state == PLAN_FAILED || hook->state == PLAN_FALLBACK)
			log_warn("probe %s/%s is %s: %s; %s", hook->family, hook->hook,
				 hook->state == PLAN_FAILED ? "off" : "a second choice",
				 hook->reason, hook->remedy);
	}
}

static void adopt_servers(struct pipeline *pipeline)
{
	const struct config *config = pipeline->config;
	int r = probe_adopt_servers(pipeline->probe, (const char *const *)config->server_exes.items,
				    config->server_exes.count);

	if (r < 0)
		log_warn("servers that run already are followed only when they start Bun: %s",
			 strerror(-r));
	else if (r > 0)
		log_info("follows %d servers that run already", r);
}

static int start(struct pipeline *pipeline, struct buf *message)
{
	const struct config *config = pipeline->config;

	setup_plan(config, &pipeline->plan);
	if (!plan_missing(&pipeline->plan))
		log_second_choices(&pipeline->plan);
	int r = setup_probe(config, &pipeline->plan, ring_record, pipeline, &pipeline->probe,
			    message);
	if (r == 0)
		r = owners_new(pipeline->probe, &pipeline->owners);
	if (r == 0)
		r = servers_new(pipeline->probe, &pipeline->plan, &pipeline->servers);
	if (r < 0)
		return r;
	adopt_servers(pipeline);
	r = probe_adopt(pipeline->probe, (const char *const *)config->exes.items,
			config->exes.count);
	if (r < 0)
		log_warn("runs that were under way are not followed: %s", strerror(-r));
	else if (r > 0)
		log_info("follows %d Bun processes that were under way", r);
	return live_init(&pipeline->live, probe_cpus(pipeline->probe), config->max_runs);
}

int pipeline_start(const struct config *config, struct metrics *metrics,
		   const struct pipeline_sinks *sinks, struct pipeline **ret, struct buf *message)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	if (!pipeline)
		return -ENOMEM;
	pipeline->config = config;
	pipeline->metrics = metrics;
	pipeline->sinks = *sinks;
	intake_init(&pipeline->intake, config, metrics);
	pipeline->exchanges.report = exchange_finish;
	pipeline->exchanges.arg = pipeline;
	int r = exchanges_init(&pipeline->exchanges, config, metrics_registry(metrics), message);
	if (r == 0)
		r = start(pipeline, message);
	if (r < 0) {
		pipeline_stop(&pipeline);
		return r;
	}
	*ret = pipeline;
	return 0;
}

void pipeline_stop(struct pipeline **owner)
{
	struct pipeline *pipeline = take_ptr(*owner);

	if (!pipeline)
		return;
	owners_free(&pipeline->owners);
	servers_free(&pipeline->servers);
	probe_stop(&pipeline->probe);
	live_free(&pipeline->live);
	free(pipeline);
}

void pipeline_confine(struct pipeline *pipeline, unsigned purposes)
{
	confine(&pipeline->plan, purposes);
}

const struct plan *pipeline_plan(const struct pipeline *pipeline)
{
	return &pipeline->plan;
}

const struct probe *pipeline_probe(const struct pipeline *pipeline)
{
	return pipeline->probe;
}

struct owners *pipeline_owners(const struct pipeline *pipeline)
{
	return pipeline->owners;
}

const struct identity *pipeline_identity(const struct pipeline *pipeline, const struct run *run)
{
	return owners_find(pipeline->owners, run, clock_monotonic_ns());
}

const struct identity *pipeline_server_identity(const struct pipeline *pipeline,
						const struct exec_report *report)
{
	return owners_find_server(pipeline->owners, report->server_pid, report->cgroup_id);
}

uint64_t pipeline_owner_overflows(const struct pipeline *pipeline)
{
	return metrics_owner_overflows(pipeline->metrics);
}

int pipeline_fd(const struct pipeline *pipeline)
{
	return probe_fd(pipeline->probe);
}
