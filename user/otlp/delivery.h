/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What becomes of spans that are queued, in batches, one at a time: when one is due, what an answer means for it, when
 * it is tried again, when it is given up. Whoever calls has the queue, the client and the clock. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span/ids.h"

/* Between tries: from the first to the last, each somewhere between half and one and a half of that. */
#define DELIVERY_BACKOFF_FIRST_MS 500
#define DELIVERY_BACKOFF_LAST_MS 30000
/* A Retry-After beyond this is taken as this. */
#define DELIVERY_RETRY_AFTER_MAX_S 300

struct delivery_config {
	unsigned give_up_ms; /* of a batch, all tries; one under way ends first */
	unsigned delay_ms;   /* that a span waits for its batch to fill */
	size_t batch_max;    /* spans */
};

struct delivery_totals {
	uint64_t exported;
	uint64_t dropped;
	uint64_t retried; /* counted each time that they are sent again */
};

struct delivery {
	struct delivery_config config;
	struct delivery_totals totals;
	struct ids random;
	size_t sending;	   /* spans of the batch, at the queue's front; 0 = none */
	bool under_way;	   /* a try of it */
	unsigned tries;	   /* that failed */
	uint64_t since_ns; /* its first try */
	uint64_t not_before_ns;
	bool flushing; /* nothing waits for its batch to fill */
};

/* What a try has met. */
struct delivery_answer {
	int error;	       /* as struct http_response has it */
	unsigned status;       /* 0 = none */
	int64_t retry_after_s; /* negative = not asked for */
	size_t rejected;       /* spans of a batch that was taken; no more than it has */
};

enum delivery_verdict {
	DELIVERY_TAKEN,
	DELIVERY_AGAIN, /* the batch stays at the queue's front */
	DELIVERY_DROPPED,
};

/* random: any number. */
void delivery_init(struct delivery *delivery, const struct delivery_config *config,
		   uint64_t random);
/* Whether something is to be sent now; oldest_ns: when the queue's first was added. */
bool delivery_is_due(const struct delivery *delivery, size_t queued, uint64_t oldest_ns,
		     uint64_t now_ns);
/* True: a new batch, of delivery->sending spans, has begun; false: it is that of before. */
bool delivery_begin(struct delivery *delivery, size_t queued, uint64_t now_ns);
/* A try is under way. */
void delivery_sent(struct delivery *delivery);
/* It has ended. Unless it is tried again, the queue's first *ret_through are through with. */
enum delivery_verdict delivery_answered(struct delivery *delivery,
					const struct delivery_answer *answer, uint64_t now_ns,
					size_t *ret_through);
/* The batch cannot be sent at all: as many are through with. */
size_t delivery_give_up(struct delivery *delivery);
