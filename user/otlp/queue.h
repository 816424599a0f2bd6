/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Encoded spans in the order of their making, so many at most. Those at the front are being sent until popped. */
#include "otlp/encode.h"

struct queue {
	struct otlp_bytes *items; /* a ring of max */
	uint64_t *added_ns;	  /* when each was */
	uint16_t *resources;	  /* what each comes from: an index of otlp/resources.h */
	size_t max;
	size_t first;
	size_t count;
	size_t bytes; /* of all items */
};

int queue_init(struct queue *queue, size_t max);
void queue_free(struct queue *queue);
/* Copies. -ENOSPC when it is full, -ENOMEM. */
int queue_push(struct queue *queue, const void *bytes, size_t n, uint16_t resource,
	       uint64_t now_ns);
/* Forgets the first count, which are there. */
void queue_pop(struct queue *queue, size_t count);
/* The i-th from the front, which is there; theirs until it is popped. */
struct otlp_bytes queue_item(const struct queue *queue, size_t i);
uint16_t queue_resource(const struct queue *queue, size_t i);
/* When the first was added; 0 = it is empty. */
uint64_t queue_oldest_ns(const struct queue *queue);
