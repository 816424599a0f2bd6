/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Spans as OpenTelemetry's protocol has them. A span is encoded once, by otlp_encode_span(); a batch of such is
 * put together as protobuf, or translated to JSON. Schema: otlp.proto.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "span/span.h"

struct otlp_bytes {
	uint8_t *data;
	size_t n;
};

#define OTLP_RESOURCE_MAX 64 /* attributes */

/* What all spans of a batch come from. */
struct otlp_attribute {
	const char *key;
	const char *value; /* UTF-8 */
};

/* Appends. Errors stay in the buffer. */
void otlp_encode_span(const struct span *span, struct buf *out);
void otlp_encode_resource(const struct otlp_attribute *attributes, size_t count, struct buf *out);
/* A resource of the span's owner: nothing where it has none. */
void otlp_encode_owner(const struct span *span, struct buf *out);

/* Encoded spans, all of that encoded resource. */
struct otlp_group {
	const struct buf *resource;
	const struct otlp_bytes *spans;
	size_t count;
};

/* At most RESOURCES_MAX groups. Errors stay in the buffer. */
void otlp_encode_batch(const struct otlp_group *groups, size_t count, struct buf *out);
/* The same as JSON: -EBADMSG when something encoded is not what otlp_encode_…() made. */
void otlp_encode_batch_json(const struct otlp_group *groups, size_t count, struct buf *out);

#define OTLP_ANSWER_MESSAGE_BYTES 200

/* What a collector says to a batch that it took. */
struct otlp_answer {
	uint64_t rejected;			     /* spans; never more than asked about */
	char message[OTLP_ANSWER_MESSAGE_BYTES + 1]; /* printable; cut where it is longer */
};

/* Of a batch of `count`. -EBADMSG when it makes no sense: then nothing was rejected, as far as anybody knows. */
int otlp_answer_read(const void *bytes, size_t n, bool json, uint64_t count,
		     struct otlp_answer *ret);
