/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every command that watches runs has: a loop, the metrics, the pipeline, and a tracer where spans are made.
 * In this order: begin, watch, the command's own work in loop_run(), tick for what has finished since, end.
 */
#include "config.h"
#include "loop.h"
#include "pipeline.h"
#include "sink/metrics.h"
#include "tracer.h"

struct session {
	const struct config *config;
	struct loop *loop;
	struct metrics *metrics;
	struct pipeline *pipeline;
	struct tracer *tracer; /* the command's; NULL = no spans */
};

/* The first step of a command: from here on a signal ends the loop, and so all that follows is undone. config must
 * outlive it. 0, or -errno once it was logged; session_end() after either. */
int session_begin(struct session *session, const struct config *config);
/*
 * Attaches everything and drains it into sinks at each wake-up of the ring. tick(arg) is called every
 * 100 ms, and should call session_tick(). 0, or -errno once it was logged.
 */
int session_watch(struct session *session, const struct pipeline_sinks *sinks, void (*tick)(void *),
		  void *arg);
/* What has finished since, and what the ring will not bring. */
void session_tick(struct session *session);
/* Detaches; nothing reaches the sinks any more. May be called again. */
void session_unwatch(struct session *session);
void session_end(struct session *session);

/* For pipeline_sinks, with a session as their argument: all that a trace is made of. Nothing without a tracer. */
void session_trace_record(void *arg, const struct run *run);
void session_trace_report(void *arg, const struct run *run, const struct report *report);
void session_trace_exchange(void *arg, const struct exec_report *report);
void session_trace_polls(void *arg, const struct poll_report *report);

/* Logs `what: strerror`. Returns r, which is < 0. */
int session_fail(const char *what, int r);
