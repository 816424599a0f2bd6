/* SPDX-License-Identifier: Apache-2.0 */
#include "spans.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "otlp/pairs.h"
#include "sink/exec_metrics.h"
#include "sink/families.h"
#include "span/recent_spans.h"

#define HOST_NAME_BYTES 256
/* OpenTelemetry's name. */
#ifdef __aarch64__
#define HOST_ARCH "arm64"
#else
#define HOST_ARCH "amd64"
#endif
#define TRACES_PATH "v1/traces"
/* While the agent ends: how often the tries that wait for their time are looked at. */
#define FINISH_POLL_MS 20

struct spans {
	struct metrics *metrics;
	struct http *http;
	struct exporter *exporter;
	struct tracer *tracer;

	struct buf url;
	struct pairs headers;
	struct buf header_text; /* "Name: value", each with its NUL */
	const char *header_lines[PAIRS_MAX + 1];
	struct pairs attributes;
	struct otlp_attribute resource[PAIRS_MAX + 4];
	size_t resource_count;
	char host[HOST_NAME_BYTES];
	struct recent_spans recent;
};

/* ---- what a sampled span does beside being sent ---- */

static void exemplar_labels(const struct span *span, char ret[METRIC_EXEMPLAR_BYTES + 1])
{
	char trace[2 * TRACE_ID_BYTES + 1], id[2 * SPAN_ID_BYTES + 1];

	id_hex(span->trace.bytes, TRACE_ID_BYTES, trace);
	id_hex(span->id.bytes, SPAN_ID_BYTES, id);
	(void)snprintf(ret, METRIC_EXEMPLAR_BYTES + 1, "trace_id=\"%s\",span_id=\"%s\"", trace, id);
}

static void on_span(void *arg, const struct span *span, const struct span_place *place)
{
	struct spans *spans = arg;

	(void)place;
	recent_spans_add(&spans->recent, span);
}

static void on_run_sampled(void *arg, const struct report *report, const struct span *span)
{
	struct spans *spans = arg;
	char labels[METRIC_EXEMPLAR_BYTES + 1];

	exemplar_labels(span, labels);
	metrics_run_exemplar(spans->metrics, report, labels, span->epoch_ns + span->end_ns);
}

static void on_exec_sampled(void *arg, const struct exec_report *report, const struct span *span)
{
	struct spans *spans = arg;
	char labels[METRIC_EXEMPLAR_BYTES + 1];

	exemplar_labels(span, labels);
	exec_metrics_exemplar(metrics_registry(spans->metrics), report, labels,
			      span->epoch_ns + span->end_ns);
}

static void on_polls_sampled(void *arg, const struct poll_report *report, const struct span *span)
{
	struct spans *spans = arg;
	char labels[METRIC_EXEMPLAR_BYTES + 1];

	exemplar_labels(span, labels);
	metrics_polls_exemplar(spans->metrics, report, labels, span->epoch_ns + span->end_ns);
}

/* ---- configuration ---- */

static int make_url(const struct config_otlp *otlp, struct buf *ret)
{
	if (otlp->traces_endpoint) {
		buf_append_cstr(ret, otlp->traces_endpoint);
	} else {
		size_t n = strlen(otlp->endpoint);

		buf_append(ret, otlp->endpoint, n);
		buf_append_cstr(ret, otlp->endpoint[n - 1] == '/' ? TRACES_PATH : "/" TRACES_PATH);
	}
	(void)buf_cstr(ret);
	return buf_error(ret);
}

/* Checked when the configuration was read. */
static void read_pairs(const char *list, struct pairs *ret)
{
	ret->count = 0;
	if (list)
		(void)pairs_read(list, ret);
}

static int make_headers(struct spans *spans)
{
	struct buf *text = &spans->header_text;
	const char *line;

	for (size_t i = 0; i < spans->headers.count; i++) {
		buf_printf(text, "%s: %s", spans->headers.keys[i], spans->headers.values[i]);
		buf_append_char(text, '\0');
	}
	if (buf_error(text) < 0)
		return buf_error(text);
	line = text->data;
	for (size_t i = 0; i < spans->headers.count; i++, line += strlen(line) + 1)
		spans->header_lines[i] = line;
	return 0;
}

static bool has_attribute(const struct spans *spans, const char *key)
{
	for (size_t i = 0; i < spans->resource_count; i++) {
		if (strcmp(spans->resource[i].key, key) == 0)
			return true;
	}
	return false;
}

static void add_attribute(struct spans *spans, const char *key, const char *value)
{
	if (!has_attribute(spans, key))
		spans->resource[spans->resource_count++] = (struct otlp_attribute){key, value};
}

/* What was given goes before what we find out; a name of its own before an attribute of the list. */
static void make_resource(struct spans *spans, const struct config_otlp *otlp)
{
	const struct pairs *given = &spans->attributes;

	if (otlp->service_name)
		add_attribute(spans, "service.name", otlp->service_name);
	for (size_t i = 0; i < given->count; i++)
		add_attribute(spans, given->keys[i], given->values[i]);
	add_attribute(spans, "service.name", "bunscope");
	if (gethostname(spans->host, sizeof(spans->host) - 1) == 0)
		add_attribute(spans, "host.name", spans->host);
	add_attribute(spans, "host.arch", HOST_ARCH);
}

static int start_exporter(struct spans *spans, const struct config_otlp *otlp)
{
	const struct exporter_config config = {
		.url = buf_cstr(&spans->url),
		.json = otlp->protocol == OTLP_JSON,
		.gzip = otlp->compression == OTLP_GZIP,
		.headers = spans->header_lines,
		.ca_file = otlp->ca_file,
		.client_cert = otlp->client_cert,
		.client_key = otlp->client_key,
		.timeout_ms = otlp->timeout_ms,
		.give_up_ms = otlp->give_up_ms,
		.delay_ms = otlp->delay_ms,
		.queue_max = otlp->queue_max,
		.batch_max = otlp->batch_max < otlp->queue_max ? otlp->batch_max : otlp->queue_max,
		.resource = spans->resource,
		.resource_count = spans->resource_count,
	};

	return exporter_new(&config, spans->http, clock_ns(CLOCK_REALTIME), &spans->exporter);
}

static int start_tracer(struct spans *spans, const struct config_otlp *otlp)
{
	const struct tracer_config config = {
		.sampler = {otlp->sampler, strtod(otlp->sampler_ratio, NULL)},
		.keep_notable = otlp->keep == OTLP_ON,
		.exporter = spans->exporter,
		.span = on_span,
		.run_sampled = on_run_sampled,
		.exec_sampled = on_exec_sampled,
		.polls_sampled = on_polls_sampled,
		.arg = spans,
	};

	return tracer_new(&config, &spans->tracer);
}

/* ---- start and end ---- */

static void on_http(void *arg)
{
	http_run(((struct spans *)arg)->http);
}

static int start(struct spans *spans, const struct config_otlp *otlp, struct loop *loop)
{
	read_pairs(otlp->headers, &spans->headers);
	read_pairs(otlp->resource_attributes, &spans->attributes);
	make_resource(spans, otlp);
	int r = make_url(otlp, &spans->url);
	if (r == 0)
		r = make_headers(spans);
	if (r == 0)
		r = http_new(&spans->http);
	if (r == 0)
		r = start_exporter(spans, otlp);
	if (r == 0)
		r = start_tracer(spans, otlp);
	if (r == 0)
		r = loop_add(loop, http_fd(spans->http), on_http, spans);
	return r;
}

int spans_start(const struct config *config, struct metrics *metrics, struct loop *loop,
		struct spans **ret)
{
	const struct config_otlp *otlp = &config->otlp;
	_cleanup_(spans_stop) struct spans *spans = NULL;

	if (!config_otlp_on(otlp))
		return 0;
	spans = calloc(1, sizeof(*spans));
	if (!spans)
		return -ENOMEM;
	spans->metrics = metrics;
	int r = start(spans, otlp, loop);
	if (r == 0)
		*ret = take_ptr(spans);
	return r;
}

void spans_stop(struct spans **owner)
{
	struct spans *spans = take_ptr(*owner);

	if (!spans)
		return;
	tracer_free(&spans->tracer);
	exporter_free(&spans->exporter);
	http_free(&spans->http);
	buf_free(&spans->url);
	buf_free(&spans->header_text);
	free(spans);
}

struct tracer *spans_tracer(struct spans *spans)
{
	return spans->tracer;
}

static uint64_t queued(const struct spans *spans)
{
	struct tracer_totals totals;

	tracer_totals(spans->tracer, &totals);
	return totals.exporter.queued;
}

void spans_finish(struct spans *spans, unsigned timeout_ms)
{
	uint64_t end_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;

	tracer_flush(spans->tracer);
	while (queued(spans) && clock_monotonic_ns() < end_ns) {
		struct pollfd ready = {.fd = http_fd(spans->http), .events = POLLIN};

		if (poll(&ready, 1, FINISH_POLL_MS) > 0)
			http_run(spans->http);
		tracer_tick(spans->tracer);
	}
	if (queued(spans))
		log_warn("ends with %llu spans that the collector did not take in time",
			 (unsigned long long)queued(spans));
}

/* ---- pages ---- */

void spans_write(const struct spans *spans, struct buf *out)
{
	if (spans)
		recent_spans_write(&spans->recent, out);
}

/* ---- metrics ---- */

static void set(struct registry *registry, enum family_index family, const char *label,
		uint64_t value)
{
	struct series *series = registry_series(registry, family, &label);

	if (series)
		series_set(series, value);
}

void spans_update(const struct spans *spans, struct registry *registry)
{
	struct tracer_totals totals = {};

	if (spans)
		tracer_totals(spans->tracer, &totals);
	set(registry, FAMILY_SPANS, "exported", totals.exporter.exported);
	set(registry, FAMILY_SPANS, "dropped", totals.exporter.dropped);
	set(registry, FAMILY_SPANS, "unsampled", totals.unsampled);
	set(registry, FAMILY_SPANS, "retried", totals.exporter.retried);
	set(registry, FAMILY_SPANS_CREATED, NULL, totals.created);
	set(registry, FAMILY_SPANS_QUEUED, NULL, totals.exporter.queued);
	set(registry, FAMILY_DECODE_ERRORS, "traceparent", totals.malformed_parents);
	set(registry, FAMILY_DECODE_ERRORS, "tracestate", totals.malformed_states);
}
