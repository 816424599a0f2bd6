/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sends spans to a collector: OTLP over HTTP, one batch at a time, through a client that never blocks. Its memory is
 * bounded by the queue; a span that finds it full is dropped. Of what is added,
 * exported + dropped + queued is always the sum.
 */
#include "http/http.h"
#include "otlp/encode.h"

#define EXPORTER_ANSWER_BYTES                                                                      \
	65536 /* of an answer that is read; the message for an operator is shorter */

struct exporter_config {
	const char *url; /* whole */
	bool json;
	bool gzip;
	const char *const *headers; /* "Name: value", NULL-terminated */
	const char *ca_file;
	const char *client_cert;
	const char *client_key;
	unsigned timeout_ms; /* of a try */
	unsigned give_up_ms; /* of a batch, all tries; one under way ends first */
	unsigned delay_ms;   /* that a span waits for its batch to fill */
	size_t queue_max;    /* spans */
	size_t batch_max;
	const struct otlp_attribute *resource;
	size_t resource_count;
};

struct exporter_totals {
	uint64_t exported;
	uint64_t dropped;
	uint64_t retried; /* counted each time that they are sent again */
	uint64_t queued;
};

struct exporter;

/* What config points to and http must outlive it. random: any number. 0 or -errno. */
int exporter_new(const struct exporter_config *config, struct http *http, uint64_t random,
		 struct exporter **ret);
/* Before the http client's end, whose requests point here. What is still queued is gone. */
void exporter_free(struct exporter **owner);
void exporter_add(struct exporter *exporter, const struct span *span, uint64_t now_ns);
/* Now and then: sends what is due. */
void exporter_tick(struct exporter *exporter, uint64_t now_ns);
/* From now on nothing waits for its batch to fill. */
void exporter_flush(struct exporter *exporter, uint64_t now_ns);
void exporter_totals(const struct exporter *exporter, struct exporter_totals *ret);
