/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Encoded spans in the order of their making, so many at most. Those at the front are being sent until popped. */
#include "otlp/encode.h"

struct queue {
	struct otlp_bytes *items; /* a ring of max */
	uint64_t *added_ns;	  /* when each was */
	size_t max;
	size_t first;
	size_t count;
	size_t bytes; /* of all items */
};

int queue_init(struct queue *queue, size_t max);
void queue_free(struct queue *queue);
/* Copies. -ENOSPC when it is full, -ENOMEM. */
int queue_push(struct queue *queue, const void *bytes, size_t n, uint64_t now_ns);
/* Forgets the first count, which are there. */
void queue_pop(struct queue *queue, size_t count);
/* The first count, which are there, into ret; theirs until they are popped. */
void queue_peek(const struct queue *queue, struct otlp_bytes *ret, size_t count);
/* When the first was added; 0 = it is empty. */
uint64_t queue_oldest_ns(const struct queue *queue);
