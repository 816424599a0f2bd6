/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/delivery.h"

#include <errno.h>

#define NS_PER_MS 1000000ull
#define MS_PER_SECOND 1000ull

void delivery_init(struct delivery *delivery, const struct delivery_config *config, uint64_t random)
{
	*delivery = (struct delivery){.config = *config};
	/* The second word makes the first number: agents that start together must not try together. */
	ids_init(&delivery->random, (const uint64_t[4]){random, ~random, 2, 3});
}

bool delivery_is_due(const struct delivery *delivery, size_t queued, uint64_t oldest_ns,
		     uint64_t now_ns)
{
	const struct delivery_config *config = &delivery->config;

	if (delivery->under_way || queued == 0 || now_ns < delivery->not_before_ns)
		return false;
	return delivery->sending || delivery->flushing || queued >= config->batch_max ||
	       now_ns - oldest_ns >= config->delay_ms * NS_PER_MS;
}

bool delivery_begin(struct delivery *delivery, size_t queued, uint64_t now_ns)
{
	size_t most = delivery->config.batch_max;

	if (delivery->sending)
		return false;
	delivery->sending = queued < most ? queued : most;
	delivery->since_ns = now_ns;
	return true;
}

void delivery_sent(struct delivery *delivery)
{
	delivery->under_way = true;
	if (delivery->tries)
		delivery->totals.retried += delivery->sending;
}

/* ---- answers ---- */

static size_t batch_end(struct delivery *delivery, size_t dropped)
{
	size_t through = delivery->sending;

	delivery->totals.exported += through - dropped;
	delivery->totals.dropped += dropped;
	delivery->sending = 0;
	delivery->tries = 0;
	delivery->not_before_ns = 0;
	return through;
}

/* OTLP's list of statuses; and what may have been anybody between us and the collector. */
static bool may_retry(const struct delivery_answer *answer)
{
	switch (answer->status) {
	case 0:
		return answer->error != -EMSGSIZE;
	case 429:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return false;
	}
}

static uint64_t backoff_ms(struct delivery *delivery)
{
	uint64_t ms = DELIVERY_BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < delivery->tries && ms < DELIVERY_BACKOFF_LAST_MS; i++)
		ms *= 2;
	if (ms > DELIVERY_BACKOFF_LAST_MS)
		ms = DELIVERY_BACKOFF_LAST_MS;
	return ms / 2 + ids_random(&delivery->random) % ms;
}

static uint64_t asked_ms(const struct delivery_answer *answer)
{
	int64_t seconds = answer->retry_after_s;

	if (seconds < 0)
		return 0;
	if (seconds > DELIVERY_RETRY_AFTER_MAX_S)
		seconds = DELIVERY_RETRY_AFTER_MAX_S;
	return (uint64_t)seconds * MS_PER_SECOND;
}

static uint64_t wait_ns(struct delivery *delivery, const struct delivery_answer *answer)
{
	uint64_t ours = backoff_ms(delivery), theirs = asked_ms(answer);

	return (ours > theirs ? ours : theirs) * NS_PER_MS;
}

static bool is_taken(const struct delivery_answer *answer)
{
	return answer->status >= 200 && answer->status < 300;
}

enum delivery_verdict delivery_answered(struct delivery *delivery,
					const struct delivery_answer *answer, uint64_t now_ns,
					size_t *ret_through)
{
	uint64_t give_up_ns = delivery->config.give_up_ms * NS_PER_MS;

	*ret_through = 0;
	delivery->under_way = false;
	if (is_taken(answer)) {
		*ret_through = batch_end(delivery, answer->rejected);
		return DELIVERY_TAKEN;
	}
	delivery->tries++;
	uint64_t again_ns = now_ns + wait_ns(delivery, answer);
	if (!may_retry(answer) || again_ns - delivery->since_ns > give_up_ns) {
		*ret_through = batch_end(delivery, delivery->sending);
		return DELIVERY_DROPPED;
	}
	delivery->not_before_ns = again_ns;
	return DELIVERY_AGAIN;
}

size_t delivery_give_up(struct delivery *delivery)
{
	return batch_end(delivery, delivery->sending);
}
