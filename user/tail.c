/* SPDX-License-Identifier: Apache-2.0 */
#include "tail.h"

#include <stdio.h>

#include "sandbox/filter.h"
#include "session.h"
#include "sink/tail.h"
#include "span/tree.h"

struct tail {
	struct session session; /* first: an argument of the pipeline's sinks is both */
	struct tree tree;
	struct buf line;
};

static void print_line(struct tail *tail)
{
	if (fwrite(tail->line.data, 1, tail->line.len, stdout) != tail->line.len ||
	    fflush(stdout) != 0)
		loop_stop(tail->session.loop); /* whoever read this is gone */
	buf_clear(&tail->line);
}

static void print_report(void *arg, const struct run *run, const struct report *report)
{
	struct tail *tail = arg;

	(void)run;
	if (tail->session.config->json)
		tail_json(&tail->line, report);
	else
		tail_text(&tail->line, report);
	print_line(tail);
}

static void print_span(void *arg, const struct span *span, const struct span_place *place)
{
	struct tail *tail = arg;

	tree_append(&tail->tree, span, place, &tail->line);
	print_line(tail);
}

static void on_tick(void *arg)
{
	struct tail *tail = arg;

	session_tick(&tail->session);
}

static int start(struct tail *tail)
{
	const struct tracer_config config = {
		.sampler = {.kind = SAMPLER_ALWAYS_ON},
		.span = print_span,
		.arg = tail,
	};
	struct pipeline_sinks sinks = {.report = print_report, .arg = tail};
	int r = 0;

	if (tail->session.config->tail_spans) {
		r = tracer_new(&config, &tail->session.tracer);
		sinks.record = session_trace_record;
		sinks.report = session_trace_report;
		sinks.exchange = session_trace_exchange;
		sinks.polls = session_trace_polls;
	}
	if (r < 0)
		return session_fail("cannot make spans", r);
	return session_watch(&tail->session, &sinks, on_tick, tail);
}

static int run(struct tail *tail)
{
	struct session *session = &tail->session;

	pipeline_confine(session->pipeline, FILTER_BASE);
	if (!session->config->json && !session->tracer) {
		tail_header(&tail->line);
		print_line(tail);
	}
	int r = loop_run(session->loop);
	session_tick(session); /* what has finished since */
	if (session->tracer)
		tracer_flush(session->tracer);
	return r < 0 ? session_fail("cannot wait", r) : 0;
}

int tail(const struct config *config)
{
	struct tail tail = {};
	int r = session_begin(&tail.session, config);

	if (r == 0)
		r = start(&tail);
	if (r == 0)
		r = run(&tail);
	session_unwatch(&tail.session);
	tracer_free(&tail.session.tracer);
	session_end(&tail.session);
	buf_free(&tail.line);
	return r;
}
