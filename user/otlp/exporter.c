/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/gzip.h"
#include "base/log.h"
#include "otlp/delivery.h"
#include "otlp/queue.h"
#include "otlp/resources.h"

struct exporter {
	struct exporter_config config;
	struct http *http;
	struct queue queue;
	struct delivery delivery;
	uint64_t refused; /* spans that found no room */
	const char *headers[HTTP_HEADERS_MAX + 1];

	struct resources resources;
	struct buf span;  /* the last one that was added, encoded */
	struct buf owner; /* and its owner */
	struct gzip gzip;
	struct buf plain;	  /* of the batch that is being sent */
	struct buf body;	  /* the same, or compressed */
	struct otlp_bytes *batch; /* by what they come from */
	struct otlp_group groups[RESOURCES_MAX];
	bool failing; /* said so in the log */
};

/* ---- what becomes of a batch ---- */

/* The queue's first ones are no longer there. */
static void pop(struct exporter *exporter, size_t count)
{
	for (size_t i = 0; i < count; i++)
		resources_give(&exporter->resources, queue_resource(&exporter->queue, i));
	queue_pop(&exporter->queue, count);
}

static void say_failing(struct exporter *exporter, const char *what,
			const struct http_response *response)
{
	if (exporter->failing)
		return;
	exporter->failing = true;
	if (response->error)
		log_warn("spans %s: %s", what, response->message);
	else
		log_warn("spans %s: the collector answered with status %u", what, response->status);
}

static void say_working(struct exporter *exporter)
{
	if (exporter->failing)
		log_info("spans go to the collector again");
	exporter->failing = false;
}

/* Of a batch that was taken: how many of it were not. Taken, whatever of the answer's body arrived. */
static size_t read_rejected(const struct exporter *exporter, const struct http_response *response)
{
	size_t sending = exporter->delivery.sending;
	struct otlp_answer answer = {};
	int r = response->error;

	if (r == 0)
		r = otlp_answer_read(response->body, response->body_bytes, exporter->config.json,
				     sending, &answer);
	if (r < 0)
		log_debug("the collector took %zu spans, its answer makes no sense", sending);
	if (answer.rejected)
		log_warn("the collector refused %llu of %zu spans: %s",
			 (unsigned long long)answer.rejected, sending, answer.message);
	else if (*answer.message)
		log_warn("the collector says: %s", answer.message);
	return answer.rejected;
}

static int64_t read_retry_after(const struct http *http, const struct http_response *response)
{
	const char *value = http_header(response, "Retry-After");
	int64_t now_s = (int64_t)(clock_ns(CLOCK_REALTIME) / NS_PER_SECOND);

	return value ? http_retry_after(http, value, now_s) : -1;
}

static void on_done(void *arg, const struct http_response *response)
{
	struct exporter *exporter = arg;
	uint64_t now_ns = clock_monotonic_ns();
	size_t through;
	struct delivery_answer answer = {response->error, response->status, -1, 0};

	if (response->status >= 200 && response->status < 300)
		answer.rejected = read_rejected(exporter, response);
	else
		answer.retry_after_s = read_retry_after(exporter->http, response);
	switch (delivery_answered(&exporter->delivery, &answer, now_ns, &through)) {
	case DELIVERY_TAKEN:
		say_working(exporter);
		break;
	case DELIVERY_AGAIN:
		say_failing(exporter, "wait", response);
		break;
	case DELIVERY_DROPPED:
		say_failing(exporter, "are dropped", response);
		break;
	}
	pop(exporter, through);
	exporter_tick(exporter, now_ns);
}

/* ---- sending one ---- */

/* Those of the batch that come from one resource. */
static struct otlp_group group_of(struct exporter *exporter, uint16_t resource,
				  struct otlp_bytes *spans)
{
	struct otlp_group group = {&exporter->resources.items[resource].encoded, spans, 0};

	for (size_t i = 0; i < exporter->delivery.sending; i++) {
		if (queue_resource(&exporter->queue, i) == resource)
			spans[group.count++] = queue_item(&exporter->queue, i);
	}
	return group;
}

static size_t batch_group(struct exporter *exporter)
{
	struct otlp_bytes *next = exporter->batch;
	size_t count = 0;

	for (uint16_t i = 0; i < RESOURCES_MAX; i++) {
		if (!exporter->resources.items[i].spans)
			continue;
		exporter->groups[count] = group_of(exporter, i, next);
		next += exporter->groups[count].count;
		count += exporter->groups[count].count > 0;
	}
	return count;
}

static int batch_encode(struct exporter *exporter)
{
	size_t count = batch_group(exporter);

	buf_clear(&exporter->plain);
	if (exporter->config.json)
		otlp_encode_batch_json(exporter->groups, count, &exporter->plain);
	else
		otlp_encode_batch(exporter->groups, count, &exporter->plain);
	if (buf_error(&exporter->plain) < 0)
		return buf_error(&exporter->plain);
	if (exporter->config.gzip)
		return gzip_compress(&exporter->gzip, &exporter->plain, &exporter->body);
	buf_clear(&exporter->body);
	buf_append(&exporter->body, exporter->plain.data, exporter->plain.len);
	return buf_error(&exporter->body);
}

static int batch_send(struct exporter *exporter)
{
	const struct http_request request = {
		.method = "POST",
		.url = exporter->config.url,
		.headers = exporter->headers,
		.body = exporter->body.data,
		.body_bytes = exporter->body.len,
		.timeout_ms = exporter->config.timeout_ms,
		.answer_bytes_max = EXPORTER_ANSWER_BYTES,
		.ca_file = exporter->config.ca_file,
		.client_cert = exporter->config.client_cert,
		.client_key = exporter->config.client_key,
		.done = on_done,
		.arg = exporter,
	};
	int r = http_start(exporter->http, &request);

	if (r < 0)
		return r;
	delivery_sent(&exporter->delivery);
	return 0;
}

void exporter_tick(struct exporter *exporter, uint64_t now_ns)
{
	const struct queue *queue = &exporter->queue;
	int r = 0;

	if (!delivery_is_due(&exporter->delivery, queue->count, queue_oldest_ns(queue), now_ns))
		return;
	if (delivery_begin(&exporter->delivery, queue->count, now_ns))
		r = batch_encode(exporter);
	if (r == 0)
		r = batch_send(exporter);
	if (r == 0 || r == -EBUSY)
		return;
	log_error("cannot send spans: %s", strerror(-r));
	pop(exporter, delivery_give_up(&exporter->delivery));
}

/* ---- from outside ---- */

static int enqueue(struct exporter *exporter, const struct span *span, uint64_t now_ns)
{
	struct buf *bytes = &exporter->span, *owner = &exporter->owner;

	buf_clear(bytes);
	buf_clear(owner);
	otlp_encode_span(span, bytes);
	otlp_encode_owner(span, owner);
	if (buf_error(bytes) < 0 || buf_error(owner) < 0)
		return -ENOMEM;
	uint16_t resource = resources_take(&exporter->resources, owner);
	int r = queue_push(&exporter->queue, bytes->data, bytes->len, resource, now_ns);
	if (r < 0)
		resources_give(&exporter->resources, resource);
	return r;
}

void exporter_add(struct exporter *exporter, const struct span *span, uint64_t now_ns)
{
	if (enqueue(exporter, span, now_ns) < 0)
		exporter->refused++;
	exporter_tick(exporter, now_ns);
}

void exporter_flush(struct exporter *exporter, uint64_t now_ns)
{
	exporter->delivery.flushing = true;
	exporter_tick(exporter, now_ns);
}

void exporter_totals(const struct exporter *exporter, struct exporter_totals *ret)
{
	const struct delivery_totals *totals = &exporter->delivery.totals;

	*ret = (struct exporter_totals){
		.exported = totals->exported,
		.dropped = totals->dropped + exporter->refused,
		.retried = totals->retried,
		.queued = exporter->queue.count,
	};
}

static int set_headers(struct exporter *exporter)
{
	const char *const *given = exporter->config.headers;
	size_t n = 0;

	exporter->headers[n++] = exporter->config.json ? "Content-Type: application/json"
						       : "Content-Type: application/x-protobuf";
	exporter->headers[n++] = "User-Agent: bunscope/" BUNSCOPE_VERSION;
	if (exporter->config.gzip)
		exporter->headers[n++] = "Content-Encoding: gzip";
	for (size_t i = 0; given && given[i]; i++) {
		if (n == HTTP_HEADERS_MAX)
			return -E2BIG;
		exporter->headers[n++] = given[i];
	}
	return 0;
}

static int exporter_init(struct exporter *exporter)
{
	const struct exporter_config *config = &exporter->config;
	_cleanup_buf_ struct buf own = {};
	int r = set_headers(exporter);

	if (r == 0)
		r = queue_init(&exporter->queue, config->queue_max);
	if (r < 0)
		return r;
	exporter->batch = calloc(config->batch_max, sizeof(*exporter->batch));
	if (!exporter->batch)
		return -ENOMEM;
	otlp_encode_resource(config->resource, config->resource_count, &own);
	return buf_error(&own) < 0 ? buf_error(&own) : resources_init(&exporter->resources, &own);
}

int exporter_new(const struct exporter_config *config, struct http *http, uint64_t random,
		 struct exporter **ret)
{
	_cleanup_(exporter_free) struct exporter *exporter = calloc(1, sizeof(*exporter));

	if (!exporter)
		return -ENOMEM;
	exporter->config = *config;
	exporter->http = http;
	delivery_init(&exporter->delivery,
		      &(struct delivery_config){.give_up_ms = config->give_up_ms,
						.delay_ms = config->delay_ms,
						.batch_max = config->batch_max},
		      random);
	int r = exporter_init(exporter);
	if (r == 0)
		*ret = take_ptr(exporter);
	return r;
}

void exporter_free(struct exporter **owner)
{
	struct exporter *exporter = take_ptr(*owner);

	if (!exporter)
		return;
	queue_free(&exporter->queue);
	gzip_free(&exporter->gzip);
	resources_free(&exporter->resources);
	buf_free(&exporter->span);
	buf_free(&exporter->owner);
	buf_free(&exporter->plain);
	buf_free(&exporter->body);
	free(exporter->batch);
	free(exporter);
}
