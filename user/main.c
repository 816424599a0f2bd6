/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wiring: configuration, the loop, the pipeline, and what its reports go to.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "doctor.h"
#include "loop.h"
#include "pipeline.h"
#include "playback.h"
#include "pod_names.h"
#include "recorder.h"
#include "replay.h"
#include "sandbox/filter.h"
#include "service/service.h"
#include "serving.h"
#include "sink/metrics.h"
#include "sink/tail.h"
#include "sink/view.h"
#include "spans.h"
#include "top.h"
#include "web/web.h"

enum exit_status { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* How often the ring is looked into, and runs are looked for that it will not bring. */
#define TICK_MS 100

struct app {
	struct config *config;
	size_t arg_count; /* the command line: SIGHUP reads it again, with its file */
	char *const *args;
	struct loop *loop;
	struct metrics *metrics;
	struct pipeline *pipeline;
	struct web *web;
	struct spans *spans;	     /* NULL = off */
	struct tracer *tracer;	     /* theirs, or tail's own; NULL = off */
	struct tree tree;	     /* of tail */
	struct pod_names *pod_names; /* NULL = off */
	struct service service;
	struct view *view;
	uint64_t view_step_ms; /* when its next step is due; Unix time */
	struct buf line;       /* of tail */
	struct recorder recorder;
	enum doctor_verdict verdict; /* of doctor: its exit code */
};

/* ---- callbacks of the loop ---- */

static void on_ring(void *arg)
{
	pipeline_drain(((struct app *)arg)->pipeline);
}

static void on_tick(void *arg)
{
	struct app *app = arg;

	pipeline_drain(app->pipeline);
	pipeline_sweep(app->pipeline);
	filter_report();
	if (app->tracer)
		tracer_tick(app->tracer);
}

static void read_again(struct app *app)
{
	_cleanup_config_ struct config *again = NULL;
	_cleanup_buf_ struct buf message = {}, taken = {}, refused = {};
	int r = config_parse(app->arg_count, app->args, &again, &message);

	web_reload(app->web);
	if (r < 0) {
		log_error("%s; what was read before stands",
			  message.len ? buf_cstr(&message) : strerror(-r));
		return;
	}
	config_reload(app->config, again, &taken, &refused);
	log_setup(app->config->log_level, app->config->log_format);
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
static int refresh(struct app *app)
{
	struct run_totals totals;
	int r = pipeline_snapshot(app->pipeline, &totals);

	if (r < 0) {
		log_error("cannot read the kernel side's maps: %s", strerror(-r));
		return r;
	}
	agent_update(metrics_registry(app->metrics), app->pipeline, &totals);
	return 0;
}

/* Of the command that serves. */
static void on_serve_tick(void *arg)
{
	struct app *app = arg;
	uint64_t now_ms = unix_ms();

	on_tick(app);
	web_tick(app->web, clock_monotonic_ns());
	if (app->pod_names)
		pod_names_tick(app->pod_names, pipeline_owners(app->pipeline),
			       clock_monotonic_ns());
	service_tick(&app->service, clock_monotonic_ns());
	/* A clock that was set back must not stop the steps. */
	if (now_ms < app->view_step_ms && app->view_step_ms - now_ms <= VIEW_STEP_MS)
		return;
	app->view_step_ms = now_ms + VIEW_STEP_MS;
	if (refresh(app) == 0)
		view_step(app->view, now_ms);
}

static void on_hangup(void *arg)
{
	struct app *app = arg;

	service_reloading(&app->service, clock_monotonic_ns());
	read_again(app);
	service_ready(&app->service);
}

/* ---- pages ---- */

static int serve_metrics(void *arg, enum metric_format format, struct buf *out)
{
	struct app *app = arg;
	struct registry *registry = metrics_registry(app->metrics);
	uint64_t begin = clock_monotonic_ns();
	int r = refresh(app);

	if (r < 0)
		return r;
	spans_update(app->spans, registry);
	pod_names_update(app->pod_names, registry);
	registry_write(registry, format, out);
	agent_scraped(registry, clock_monotonic_ns() - begin);
	return buf_error(out);
}

static int serve_live(void *arg, uint64_t after_ms, size_t first_row, struct buf *out)
{
	struct app *app = arg;
	int r = refresh(app);

	if (r < 0)
		return r;
	view_write_live(app->view, unix_ms(), after_ms, first_row, out);
	return buf_error(out);
}

static int serve_runs(void *arg, struct buf *out)
{
	struct app *app = arg;

	pipeline_drain(app->pipeline);
	view_write_runs(app->view, clock_ns(CLOCK_REALTIME) - clock_monotonic_ns(), out);
	return buf_error(out);
}

static int serve_spans(void *arg, struct buf *out)
{
	struct app *app = arg;

	pipeline_drain(app->pipeline);
	spans_write(app->spans, out);
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
	const struct plan *plan = pipeline_plan(((struct app *)arg)->pipeline);

	for (size_t i = 0; i < plan->count; i++)
		doctor_line(reasons, &plan->hooks[i]);
	return plan_missing(plan) == NULL;
}

/* ---- start and end ---- */

static int fail(const char *what, int r)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

static int start_web(struct app *app)
{
	const struct web_handlers handlers = {
		.arg = app,
		.metrics = serve_metrics,
		.live = serve_live,
		.runs = serve_runs,
		.spans = serve_spans,
		.healthy = serve_healthy,
		.ready = serve_ready,
	};

	return serving_start(app->config, &handlers, app->loop, &app->web);
}

static int start_pipeline(struct app *app, const struct pipeline_sinks *sinks, void (*tick)(void *))
{
	_cleanup_buf_ struct buf message = {};
	int r = pipeline_start(app->config, app->metrics, sinks, &app->pipeline, &message);

	if (r < 0) {
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
		return r;
	}
	r = loop_add(app->loop, pipeline_fd(app->pipeline), on_ring, app);
	if (r == 0)
		r = loop_tick(app->loop, TICK_MS, tick, app);
	if (r < 0)
		return fail("cannot watch the ring", r);
	pipeline_drain(app->pipeline); /* servers that run already: known before we are ready */
	return 0;
}

static int start_common(struct app *app)
{
	const struct config *config = app->config;
	/* First: from here on a signal ends the loop, and so everything that follows is undone. */
	int r = loop_new(&app->loop);

	if (r == 0)
		r = metrics_new(config->metrics_prefix, config->max_label_values,
				config->owner_labels, &app->metrics);
	return r < 0 ? fail("cannot start", r) : 0;
}

static void app_stop(struct app *app)
{
	web_stop(&app->web);
	service_free(&app->service);
	pod_names_stop(&app->pod_names);
	pipeline_stop(&app->pipeline);
	if (!app->spans)
		tracer_free(&app->tracer);
	spans_stop(&app->spans);
	recorder_free(&app->recorder);
	view_free(&app->view);
	metrics_free(&app->metrics);
	loop_free(&app->loop);
	config_free(&app->config);
	buf_free(&app->line);
}

/* ---- commands ---- */

static void trace_record(void *arg, const struct run *run)
{
	const struct app *app = arg;

	if (app->tracer)
		tracer_record(app->tracer, run);
}

static void trace_report(void *arg, const struct run *run, const struct report *report)
{
	const struct app *app = arg;

	if (app->tracer)
		tracer_run(app->tracer, run, report, pipeline_identity(app->pipeline, run));
}

static void trace_exchange(void *arg, const struct exec_report *report)
{
	const struct app *app = arg;

	if (app->tracer)
		tracer_exchange(app->tracer, report,
				pipeline_server_identity(app->pipeline, report));
}

static void trace_polls(void *arg, const struct poll_report *report)
{
	const struct app *app = arg;

	if (app->tracer)
		tracer_polls(app->tracer, report);
}

static void serve_report(void *arg, const struct run *run, const struct report *report)
{
	const struct app *app = arg;
	struct run_detail detail;

	run_detail_read(run, &detail);
	view_run(app->view, report, &detail);
	trace_report(arg, run, report);
}

static int start_spans(struct app *app)
{
	int r = spans_start(app->config, app->metrics, app->loop, &app->spans);

	if (r == 0 && app->spans)
		app->tracer = spans_tracer(app->spans);
	return r < 0 ? fail("cannot export spans", r) : 0;
}

static int start_pod_names(struct app *app)
{
	int r = pod_names_start(app->config, app->loop, &app->pod_names);

	return r < 0 ? fail("cannot ask for pods", r) : 0;
}

static int serve(struct app *app)
{
	const struct pipeline_sinks sinks = {
		.record = trace_record,
		.report = serve_report,
		.exchange = trace_exchange,
		.polls = trace_polls,
		.arg = app,
	};
	/* The port first: it fails cheaply, before anything is attached. */
	int r = start_common(app);
	if (r == 0)
		r = start_web(app);
	if (r == 0)
		r = view_new(metrics_registry(app->metrics), unix_ms(), &app->view);
	if (r == 0)
		r = start_spans(app);
	if (r == 0)
		r = start_pod_names(app);
	if (r == 0)
		r = start_pipeline(app, &sinks, on_serve_tick);
	if (r == 0)
		r = loop_hangup(app->loop, on_hangup, app);
	if (r < 0)
		return r;
	service_init(&app->service); /* its socket is made before the filter */
	pipeline_confine(app->pipeline,
			 FILTER_WEB | (app->spans || app->pod_names ? FILTER_CONNECT : 0));
	agent_describe(metrics_registry(app->metrics), app->pipeline, clock_ns(CLOCK_REALTIME));
	log_info("listening on %s", web_address(app->web));
	service_ready(&app->service);
	r = loop_run(app->loop);
	service_stopping(&app->service);
	if (app->spans) {
		on_tick(app); /* what has finished since */
		spans_finish(app->spans, app->config->shutdown_timeout_ms);
	}
	return r < 0 ? fail("cannot wait", r) : 0;
}

static void print_line(struct app *app)
{
	if (fwrite(app->line.data, 1, app->line.len, stdout) != app->line.len ||
	    fflush(stdout) != 0)
		loop_stop(app->loop); /* whoever read this is gone */
	buf_clear(&app->line);
}

static void print_report(void *arg, const struct run *run, const struct report *report)
{
	struct app *app = arg;

	(void)run;
	if (app->config->json)
		tail_json(&app->line, report);
	else
		tail_text(&app->line, report);
	print_line(app);
}

static void print_span(void *arg, const struct span *span, const struct span_place *place)
{
	struct app *app = arg;

	tree_append(&app->tree, span, place, &app->line);
	print_line(app);
}

static int start_tail(struct app *app)
{
	const struct tracer_config config = {
		.sampler = {.kind = SAMPLER_ALWAYS_ON},
		.span = print_span,
		.arg = app,
	};
	struct pipeline_sinks sinks = {.report = print_report, .arg = app};
	int r = 0;

	if (app->config->tail_spans) {
		r = tracer_new(&config, &app->tracer);
		sinks.record = trace_record;
		sinks.report = trace_report;
		sinks.exchange = trace_exchange;
		sinks.polls = trace_polls;
	}
	if (r < 0)
		return fail("cannot make spans", r);
	return start_pipeline(app, &sinks, on_tick);
}

static int tail(struct app *app)
{
	int r = start_common(app);

	if (r == 0)
		r = start_tail(app);
	if (r < 0)
		return r;
	pipeline_confine(app->pipeline, FILTER_BASE);
	if (!app->config->json && !app->tracer) {
		tail_header(&app->line);
		print_line(app);
	}
	r = loop_run(app->loop);
	on_tick(app); /* what has finished since */
	if (app->tracer)
		tracer_flush(app->tracer);
	return r < 0 ? fail("cannot wait", r) : 0;
}

static void on_record_tick(void *arg)
{
	struct app *app = arg;

	on_tick(app);
	if (recorder_tick(&app->recorder) < 0)
		loop_stop(app->loop);
}

static int record(struct app *app)
{
	const struct pipeline_sinks sinks = {.record = recorder_record, .arg = &app->recorder};
	/* First: a pipe waits here for its reader, and can still be interrupted. */
	int r = recorder_start(&app->recorder, app->config);

	if (r == 0)
		r = start_common(app);
	if (r == 0)
		r = start_pipeline(app, &sinks, on_record_tick);
	if (r < 0)
		return r;
	pipeline_confine(app->pipeline, FILTER_RECORD);
	log_info("recording to %s", app->config->file);
	r = loop_run(app->loop);
	if (r < 0)
		return fail("cannot wait", r);
	on_tick(app); /* what has finished since */
	return recorder_finish(&app->recorder);
}

static int print_buf(struct buf *out)
{
	return fputs(buf_cstr(out), stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

static int print(void (*text)(struct buf *out))
{
	_cleanup_buf_ struct buf out = {};

	text(&out);
	return print_buf(&out);
}

static int examine(struct app *app)
{
	_cleanup_buf_ struct buf out = {};

	app->verdict = doctor_examine(app->config, &out);
	return print_buf(&out);
}

static int run_command(struct app *app)
{
	switch (app->config->command) {
	case COMMAND_HELP:
		return print(config_help);
	case COMMAND_VERSION:
		return print(config_version);
	case COMMAND_TAIL:
		return tail(app);
	case COMMAND_RECORD:
		return record(app);
	case COMMAND_REPLAY:
		return app->config->replay_serves ? playback(app->config) : replay(app->config);
	case COMMAND_TOP:
		return top_run(app->config);
	case COMMAND_DOCTOR:
		return examine(app);
	default:
		return serve(app);
	}
}

static void print_good(struct buf *out)
{
	buf_append_cstr(out, "bunscope: the configuration is good\n");
}

/* The command line, its file, and the file that says who may read: all that is wrong is known before a start. */
static int configure(struct app *app, struct buf *message)
{
	_cleanup_buf_ struct buf wrong = {};
	int r = config_parse(app->arg_count, app->args, &app->config, message);

	if (r < 0 || !app->config->web_config_file)
		return r;
	r = web_check(app->config->web_config_file, &wrong);
	if (r < 0)
		buf_printf(message, "bunscope: %s", wrong.len ? buf_cstr(&wrong) : strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf message = {};
	struct app app = {.service.fd = -1, .arg_count = (size_t)argc - 1, .args = argv + 1};
	int r = configure(&app, &message);

	if (r < 0) {
		(void)fprintf(stderr, "%s\n", message.len ? buf_cstr(&message) : strerror(-r));
		app_stop(&app);
		return EXIT_USAGE;
	}
	log_setup(app.config->log_level, app.config->log_format);
	(void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of the write */
	r = app.config->check_only ? print(print_good) : run_command(&app);
	app_stop(&app);
	filter_report();
	return r < 0 ? EXIT_FAILED : (int)app.verdict;
}
