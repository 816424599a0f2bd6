/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way of a record: kernel → decode → classify → sinks; and the two walks of the runs map, one
 * that sweeps up what the ring did not bring, one that tells what is in flight. Wiring only.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "exec/report.h"
#include "include/counters.h"
#include "kernel/plan.h"
#include "run/decode.h"
#include "run/report.h"

struct identity;
struct owners;
struct poll_report;
struct pipeline;

/* Who gets what is finished; each may be NULL. */
struct pipeline_sinks {
	/* Each record, run or not. */
	void (*record)(void *arg, const struct run *run);
	/* Each poll loop, after the metrics. */
	void (*polls)(void *arg, const struct poll_report *report);
	/* Each run, after the metrics. */
	void (*report)(void *arg, const struct run *run, const struct report *report);
	/* Each exchange, likewise. */
	void (*exchange)(void *arg, const struct exec_report *report);
	void *arg;
};

/* The identity: started = finished + in_flight + lost, of one moment. */
struct run_totals {
	uint64_t started;
	uint64_t finished;
	uint64_t rescued;
	uint64_t in_flight;
	uint64_t unreaped;
	uint64_t kernel[KERNEL_COUNTERS_COUNT]; /* lost by cause, and events */
	uint64_t decode_errors[DECODE_COUNT];
	uint64_t exchange_errors; /* exchanges that made no sense */
};

struct metrics;

/*
 * Loads and attaches the kernel side. config and metrics must outlive it.
 * 0 or -errno with one line in `message` that says what to do.
 */
int pipeline_start(const struct config *config, struct metrics *metrics,
		   const struct pipeline_sinks *sinks, struct pipeline **ret, struct buf *message);
void pipeline_stop(struct pipeline **owner);

/* Gives up what it no longer needs, for purposes of enum filter_purpose. */
void pipeline_confine(struct pipeline *pipeline, unsigned purposes);

const struct plan *pipeline_plan(const struct pipeline *pipeline);
const struct probe *pipeline_probe(const struct pipeline *pipeline);
struct owners *pipeline_owners(const struct pipeline *pipeline);
/* Whose a record is that a sink was handed: owners_find(). */
const struct identity *pipeline_identity(const struct pipeline *pipeline, const struct run *run);
/* The same of a server that has started a run. */
const struct identity *pipeline_server_identity(const struct pipeline *pipeline,
						const struct exec_report *report);
/* metrics_owner_overflows() */
uint64_t pipeline_owner_overflows(const struct pipeline *pipeline);
int pipeline_fd(const struct pipeline *pipeline);
/* The ring has records. */
void pipeline_drain(struct pipeline *pipeline);
/* Now and then: finishes the runs that the ring will not bring. */
void pipeline_sweep(struct pipeline *pipeline);
/* Sets the in-flight metrics and takes the totals. 0 or -errno. */
int pipeline_snapshot(struct pipeline *pipeline, struct run_totals *ret);
