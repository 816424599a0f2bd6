/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <string.h>

#include "agent.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "doctor.h"
#include "pod_names.h"
#include "sandbox/filter.h"
#include "service/service.h"
#include "serving.h"
#include "session.h"
#include "sink/view.h"
#include "spans.h"
#include "web/web.h"

struct serve {
	struct session session; /* first: an argument of the pipeline's sinks is both */
	struct config *config;
	size_t arg_count; /* the command line: SIGHUP reads it again, with its file */
	char *const *args;
	struct web *web;
	struct spans *spans;	     /* NULL = off */
	struct pod_names *pod_names; /* NULL = off */
	struct service service;
	struct view *view;
	uint64_t view_step_ms; /* when its next step is due; Unix time */
};

/* ---- callbacks of the loop ---- */

static void read_again(struct serve *serve)
{
	_cleanup_config_ struct config *again = NULL;
	_cleanup_buf_ struct buf message = {}, taken = {}, refused = {};
	int r = config_parse(serve->arg_count, serve->args, &again, &message);

	web_reload(serve->web);
	if (r < 0) {
		log_error("%s; what was read before stands",
			  message.len ? buf_cstr(&message) : strerror(-r));
		return;
	}
	config_reload(serve->config, again, &taken, &refused);
	log_setup(serve->config->log_level, serve->config->log_format);
	config_warn(&message);
	log_info("read the configuration again; changed:%s",
		 taken.len ? buf_cstr(&taken) : " nothing");
	if (refused.len)
		log_warn("takes effect when the agent is started again:%s", buf_cstr(&refused));
}

static uint64_t unix_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / NS_PER_MS;
}

/* Everything in the registry as of now. 0, or -errno once it was logged. */
static int refresh(struct serve *serve)
{
	struct run_totals totals;
	int r = pipeline_snapshot(serve->session.pipeline, &totals);

	if (r < 0) {
		log_error("cannot read the kernel side's maps: %s", strerror(-r));
		return r;
	}
	agent_update(metrics_registry(serve->session.metrics), serve->session.pipeline, &totals);
	return 0;
}

static void on_tick(void *arg)
{
	struct serve *serve = arg;
	uint64_t now_ms = unix_ms();

	session_tick(&serve->session);
	web_tick(serve->web, clock_monotonic_ns());
	if (serve->pod_names)
		pod_names_tick(serve->pod_names, pipeline_owners(serve->session.pipeline),
			       clock_monotonic_ns());
	service_tick(&serve->service, clock_monotonic_ns());
	/* A clock that was set back must not stop the steps. */
	if (now_ms < serve->view_step_ms && serve->view_step_ms - now_ms <= VIEW_STEP_MS)
		return;
	serve->view_step_ms = now_ms + VIEW_STEP_MS;
	if (refresh(serve) == 0)
		view_step(serve->view, now_ms);
}

static void on_hangup(void *arg)
{
	struct serve *serve = arg;

	service_reloading(&serve->service, clock_monotonic_ns());
	read_again(serve);
	service_ready(&serve->service);
}

/* ---- pages ---- */

static int serve_metrics(void *arg, enum metric_format format, struct buf *out)
{
	struct serve *serve = arg;
	struct registry *registry = metrics_registry(serve->session.metrics);
	uint64_t begin = clock_monotonic_ns();
	int r = refresh(serve);

	if (r < 0)
		return r;
	spans_update(serve->spans, registry);
	pod_names_update(serve->pod_names, registry);
	registry_write(registry, format, out);
	agent_scraped(registry, clock_monotonic_ns() - begin);
	return buf_error(out);
}

static int serve_live(void *arg, uint64_t after_ms, size_t first_row, struct buf *out)
{
	struct serve *serve = arg;
	int r = refresh(serve);

	if (r < 0)
		return r;
	view_write_live(serve->view, unix_ms(), after_ms, first_row, out);
	return buf_error(out);
}

static int serve_runs(void *arg, struct buf *out)
{
	struct serve *serve = arg;

	pipeline_drain(serve->session.pipeline);
	view_write_runs(serve->view, clock_ns(CLOCK_REALTIME) - clock_monotonic_ns(), out);
	return buf_error(out);
}

static int serve_spans(void *arg, struct buf *out)
{
	struct serve *serve = arg;

	pipeline_drain(serve->session.pipeline);
	spans_write(serve->spans, out);
	return buf_error(out);
}

/* That this is answered shows that the loop turns. */
static bool serve_healthy(void *arg, struct buf *reasons)
{
	(void)arg;
	(void)reasons;
	return true;
}

static bool serve_ready(void *arg, struct buf *reasons)
{
	const struct plan *plan = pipeline_plan(((const struct session *)arg)->pipeline);

	for (size_t i = 0; i < plan->count; i++)
		doctor_line(reasons, &plan->hooks[i]);
	return plan_missing(plan) == NULL;
}

/* ---- start and end ---- */

static int start_web(struct serve *serve)
{
	const struct web_handlers handlers = {
		.arg = serve,
		.metrics = serve_metrics,
		.live = serve_live,
		.runs = serve_runs,
		.spans = serve_spans,
		.healthy = serve_healthy,
		.ready = serve_ready,
	};

	return serving_start(serve->config, &handlers, serve->session.loop, &serve->web);
}

static void on_report(void *arg, const struct run *run, const struct report *report)
{
	struct serve *serve = arg;
	struct run_detail detail;

	run_detail_read(run, &detail);
	view_run(serve->view, report, &detail);
	session_trace_report(&serve->session, run, report);
}

static int start_spans(struct serve *serve)
{
	int r = spans_start(serve->config, serve->session.metrics, serve->session.loop,
			    &serve->spans);

	if (r == 0 && serve->spans)
		serve->session.tracer = spans_tracer(serve->spans);
	return r < 0 ? session_fail("cannot export spans", r) : 0;
}

static int start_pod_names(struct serve *serve)
{
	int r = pod_names_start(serve->config, serve->session.loop, &serve->pod_names);

	return r < 0 ? session_fail("cannot ask for pods", r) : 0;
}

static int start(struct serve *serve)
{
	const struct pipeline_sinks sinks = {
		.record = session_trace_record,
		.report = on_report,
		.exchange = session_trace_exchange,
		.polls = session_trace_polls,
		.arg = serve,
	};
	struct session *session = &serve->session;
	/* The port first: it fails cheaply, before anything is attached. */
	int r = start_web(serve);
	if (r == 0)
		r = view_new(metrics_registry(session->metrics), unix_ms(), &serve->view);
	if (r == 0)
		r = start_spans(serve);
	if (r == 0)
		r = start_pod_names(serve);
	if (r == 0)
		r = session_watch(session, &sinks, on_tick, serve);
	if (r == 0)
		r = loop_hangup(session->loop, on_hangup, serve);
	return r;
}

static int run(struct serve *serve)
{
	struct session *session = &serve->session;

	service_init(&serve->service); /* its socket is made before the filter */
	pipeline_confine(session->pipeline,
			 FILTER_WEB | (serve->spans || serve->pod_names ? FILTER_CONNECT : 0));
	agent_describe(metrics_registry(session->metrics), session->pipeline,
		       clock_ns(CLOCK_REALTIME));
	log_info("listening on %s", web_address(serve->web));
	service_ready(&serve->service);
	int r = loop_run(session->loop);
	service_stopping(&serve->service);
	if (serve->spans) {
		session_tick(session); /* what has finished since */
		spans_finish(serve->spans, serve->config->shutdown_timeout_ms);
	}
	return r < 0 ? session_fail("cannot wait", r) : 0;
}

static void stop(struct serve *serve)
{
	web_stop(&serve->web);
	service_free(&serve->service);
	pod_names_stop(&serve->pod_names);
	session_unwatch(&serve->session);
	spans_stop(&serve->spans);
	view_free(&serve->view);
	session_end(&serve->session);
}

int serve(struct config *config, size_t arg_count, char *const *args)
{
	struct serve serve = {
		.config = config,
		.arg_count = arg_count,
		.args = args,
		.service.fd = -1,
	};
	int r = session_begin(&serve.session, config);

	if (r == 0)
		r = start(&serve);
	if (r == 0)
		r = run(&serve);
	stop(&serve);
	return r;
}
