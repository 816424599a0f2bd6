/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/gzip.h"
#include "base/log.h"
#include "otlp/queue.h"
#include "otlp/resources.h"
#include "span/ids.h"

struct exporter {
	struct exporter_config config;
	struct http *http;
	struct queue queue;
	struct exporter_totals totals;
	struct ids random;
	const char *headers[HTTP_HEADERS_MAX + 1];

	struct resources resources;
	struct buf span;  /* the last one that was added, encoded */
	struct buf owner; /* and its owner */
	struct gzip gzip;
	struct buf plain;	  /* of the batch that is being sent */
	struct buf body;	  /* the same, or compressed */
	struct otlp_bytes *batch; /* by what they come from */
	struct otlp_group groups[RESOURCES_MAX];

	size_t sending;	   /* spans of that batch; 0 = none */
	bool under_way;	   /* a try of it */
	unsigned tries;	   /* that failed */
	uint64_t since_ns; /* its first try */
	uint64_t not_before_ns;
	bool flushing;
	bool failing; /* said so in the log */
};

/* ---- what becomes of a batch ---- */

static void batch_end(struct exporter *exporter, uint64_t rejected)
{
	exporter->totals.exported += exporter->sending - rejected;
	exporter->totals.dropped += rejected;
	for (size_t i = 0; i < exporter->sending; i++)
		resources_give(&exporter->resources, queue_resource(&exporter->queue, i));
	queue_pop(&exporter->queue, exporter->sending);
	exporter->sending = 0;
	exporter->tries = 0;
	exporter->not_before_ns = 0;
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

/* Taken, whatever of the answer's body arrived: sending the batch again would double it. */
static void batch_accepted(struct exporter *exporter, const struct http_response *response)
{
	struct otlp_answer answer = {};
	int r = response->error;

	if (r == 0)
		r = otlp_answer_read(response->body, response->body_bytes, exporter->config.json,
				     exporter->sending, &answer);
	if (r < 0)
		log_debug("the collector took %zu spans, its answer makes no sense",
			  exporter->sending);
	if (answer.rejected)
		log_warn("the collector refused %llu of %zu spans: %s",
			 (unsigned long long)answer.rejected, exporter->sending, answer.message);
	else if (*answer.message)
		log_warn("the collector says: %s", answer.message);
	batch_end(exporter, answer.rejected);
	say_working(exporter);
}

/* OTLP's list of statuses; and what may have been anybody between us and the collector. */
static bool may_retry(const struct http_response *response)
{
	switch (response->status) {
	case 0:
		return response->error != -EMSGSIZE;
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

static uint64_t backoff_ns(struct exporter *exporter)
{
	uint64_t ms = EXPORTER_BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < exporter->tries && ms < EXPORTER_BACKOFF_LAST_MS; i++)
		ms *= 2;
	if (ms > EXPORTER_BACKOFF_LAST_MS)
		ms = EXPORTER_BACKOFF_LAST_MS;
	return (ms / 2 + ids_random(&exporter->random) % ms) * NS_PER_MS;
}

static uint64_t asked_wait_ns(const struct http_response *response)
{
	const char *value = http_header(response, "Retry-After");
	int64_t now_s = (int64_t)(clock_ns(CLOCK_REALTIME) / NS_PER_SECOND);
	int64_t seconds = value ? http_retry_after(value, now_s) : 0;

	if (seconds <= 0)
		return 0;
	if (seconds > EXPORTER_RETRY_AFTER_MAX_S)
		seconds = EXPORTER_RETRY_AFTER_MAX_S;
	return (uint64_t)seconds * NS_PER_SECOND;
}

static void batch_failed(struct exporter *exporter, const struct http_response *response,
			 uint64_t now_ns)
{
	uint64_t asked_ns = asked_wait_ns(response);
	uint64_t give_up_ns = exporter->config.give_up_ms * NS_PER_MS;

	exporter->tries++;
	uint64_t wait_ns = backoff_ns(exporter);
	if (wait_ns < asked_ns)
		wait_ns = asked_ns;
	if (!may_retry(response) || now_ns + wait_ns - exporter->since_ns > give_up_ns) {
		say_failing(exporter, "are dropped", response);
		batch_end(exporter, exporter->sending);
		return;
	}
	say_failing(exporter, "wait", response);
	exporter->not_before_ns = now_ns + wait_ns;
}

static void on_done(void *arg, const struct http_response *response)
{
	struct exporter *exporter = arg;
	uint64_t now_ns = clock_monotonic_ns();

	exporter->under_way = false;
	if (response->status >= 200 && response->status < 300)
		batch_accepted(exporter, response);
	else
		batch_failed(exporter, response, now_ns);
	exporter_tick(exporter, now_ns);
}

/* ---- sending one ---- */

/* Those of the batch that come from one resource. */
static struct otlp_group group_of(struct exporter *exporter, uint16_t resource,
				  struct otlp_bytes *spans)
{
	struct otlp_group group = {&exporter->resources.items[resource].encoded, spans, 0};

	for (size_t i = 0; i < exporter->sending; i++) {
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
	exporter->under_way = true;
	if (exporter->tries)
		exporter->totals.retried += exporter->sending;
	return 0;
}

static int batch_begin(struct exporter *exporter, uint64_t now_ns)
{
	size_t count = exporter->queue.count;

	exporter->sending = count < exporter->config.batch_max ? count : exporter->config.batch_max;
	exporter->since_ns = now_ns;
	return batch_encode(exporter);
}

static bool is_due(const struct exporter *exporter, uint64_t now_ns)
{
	const struct queue *queue = &exporter->queue;

	if (exporter->under_way || queue->count == 0 || now_ns < exporter->not_before_ns)
		return false;
	return exporter->sending || exporter->flushing ||
	       queue->count >= exporter->config.batch_max ||
	       now_ns - queue_oldest_ns(queue) >= exporter->config.delay_ms * NS_PER_MS;
}

void exporter_tick(struct exporter *exporter, uint64_t now_ns)
{
	if (!is_due(exporter, now_ns))
		return;
	int r = exporter->sending ? 0 : batch_begin(exporter, now_ns);
	if (r == 0)
		r = batch_send(exporter);
	if (r == 0 || r == -EBUSY)
		return;
	log_error("cannot send spans: %s", strerror(-r));
	batch_end(exporter, exporter->sending);
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
		exporter->totals.dropped++;
	exporter_tick(exporter, now_ns);
}

void exporter_flush(struct exporter *exporter, uint64_t now_ns)
{
	exporter->flushing = true;
	exporter_tick(exporter, now_ns);
}

void exporter_totals(const struct exporter *exporter, struct exporter_totals *ret)
{
	*ret = exporter->totals;
	ret->queued = exporter->queue.count;
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
	ids_init(&exporter->random, (const uint64_t[4]){random, 1, 2, 3});
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
