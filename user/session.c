/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "http/http.h"
#include "sandbox/filter.h"

/* How often the ring is looked into, and runs are looked for that it will not bring. */
#define TICK_MS 100

int session_fail(const char *what, int r)
{
	log_error("%s: %s", what, http_strerror(r));
	return r;
}

int session_begin(struct session *session, const struct config *config)
{
	session->config = config;
	int r = loop_new(&session->loop);
	if (r == 0)
		r = metrics_new(config->metrics_prefix, config->max_label_values,
				config->owner_labels, &session->metrics);
	return r < 0 ? session_fail("cannot start", r) : 0;
}

static void on_ring(void *arg)
{
	const struct session *session = arg;

	pipeline_drain(session->pipeline);
}

int session_watch(struct session *session, const struct pipeline_sinks *sinks, void (*tick)(void *),
		  void *arg)
{
	_cleanup_buf_ struct buf message = {};
	int r = pipeline_start(session->config, session->metrics, sinks, &session->pipeline,
			       &message);

	if (r < 0) {
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
		return r;
	}
	r = loop_add(session->loop, pipeline_fd(session->pipeline), on_ring, session);
	if (r == 0)
		r = loop_tick(session->loop, TICK_MS, tick, arg);
	if (r < 0)
		return session_fail("cannot watch the ring", r);
	pipeline_drain(session->pipeline); /* servers that run already: known before we are ready */
	return 0;
}

void session_tick(struct session *session)
{
	pipeline_drain(session->pipeline);
	pipeline_sweep(session->pipeline);
	filter_report();
	if (session->tracer)
		tracer_tick(session->tracer);
}

void session_unwatch(struct session *session)
{
	pipeline_stop(&session->pipeline);
}

void session_end(struct session *session)
{
	session_unwatch(session);
	metrics_free(&session->metrics);
	loop_free(&session->loop);
}

/* ---- traces ---- */

void session_trace_record(void *arg, const struct run *run)
{
	const struct session *session = arg;

	if (session->tracer)
		tracer_record(session->tracer, run);
}

void session_trace_report(void *arg, const struct run *run, const struct report *report)
{
	const struct session *session = arg;

	if (session->tracer)
		tracer_run(session->tracer, run, report, pipeline_identity(session->pipeline, run));
}

void session_trace_exchange(void *arg, const struct exec_report *report)
{
	const struct session *session = arg;

	if (session->tracer)
		tracer_exchange(session->tracer, report,
				pipeline_server_identity(session->pipeline, report));
}

void session_trace_polls(void *arg, const struct poll_report *report)
{
	const struct session *session = arg;

	if (session->tracer)
		tracer_polls(session->tracer, report);
}
