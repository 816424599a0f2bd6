/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/delivery.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "otlp/queue.h"

#define MS 1000000ull
#define SECOND (1000 * MS)
#define GIVE_UP_MS 3600000u

static const struct delivery_config config = {
	.give_up_ms = GIVE_UP_MS,
	.delay_ms = 5000,
	.batch_max = 10,
};

static struct delivery new_delivery(uint64_t random)
{
	struct delivery delivery;

	delivery_init(&delivery, &config, random);
	return delivery;
}

/* One try of a batch of so many, at that time. */
static enum delivery_verdict try(struct delivery *delivery, size_t queued,
				 const struct delivery_answer *answer, uint64_t now_ns)
{
	size_t through;

	(void)delivery_begin(delivery, queued, now_ns);
	delivery_sent(delivery);
	return delivery_answered(delivery, answer, now_ns, &through);
}

static void batches_are_due_by_size_or_time(void **state)
{
	struct delivery delivery = new_delivery(1);

	(void)state;
	assert_false(delivery_is_due(&delivery, 0, 0, 100 * SECOND));
	assert_false(delivery_is_due(&delivery, 9, SECOND, 6 * SECOND - 1));
	assert_true(delivery_is_due(&delivery, 9, SECOND, 6 * SECOND));
	assert_true(delivery_is_due(&delivery, 10, SECOND, SECOND));
	delivery.flushing = true;
	assert_true(delivery_is_due(&delivery, 1, SECOND, SECOND));
	assert_false(delivery_is_due(&delivery, 0, 0, SECOND));
}

static void one_batch_at_a_time(void **state)
{
	struct delivery delivery = new_delivery(1);

	(void)state;
	assert_true(delivery_begin(&delivery, 25, SECOND));
	assert_int_equal(delivery.sending, 10);
	assert_true(delivery_is_due(&delivery, 25, SECOND, SECOND));
	delivery_sent(&delivery);
	assert_false(delivery_is_due(&delivery, 25, SECOND, 100 * SECOND));
	assert_false(delivery_begin(&delivery, 25, SECOND));
	assert_int_equal(delivery.sending, 10);
}

static const struct {
	struct delivery_answer answer;
	enum delivery_verdict verdict;
} answers[] = {
	{{0, 200, -1, 0}, DELIVERY_TAKEN},	     {{0, 202, -1, 3}, DELIVERY_TAKEN},
	{{-EMSGSIZE, 200, -1, 0}, DELIVERY_TAKEN},   {{-ETIMEDOUT, 0, -1, 0}, DELIVERY_AGAIN},
	{{-ECONNREFUSED, 0, -1, 0}, DELIVERY_AGAIN}, {{-EPROTO, 0, -1, 0}, DELIVERY_AGAIN},
	{{-EIO, 0, -1, 0}, DELIVERY_AGAIN},	     {{-EMSGSIZE, 0, -1, 0}, DELIVERY_DROPPED},
	{{0, 429, -1, 0}, DELIVERY_AGAIN},	     {{0, 502, -1, 0}, DELIVERY_AGAIN},
	{{0, 503, -1, 0}, DELIVERY_AGAIN},	     {{0, 504, -1, 0}, DELIVERY_AGAIN},
	{{0, 100, -1, 0}, DELIVERY_DROPPED},	     {{0, 307, -1, 0}, DELIVERY_DROPPED},
	{{0, 400, -1, 0}, DELIVERY_DROPPED},	     {{0, 401, -1, 0}, DELIVERY_DROPPED},
	{{0, 404, 1, 0}, DELIVERY_DROPPED},	     {{0, 413, -1, 0}, DELIVERY_DROPPED},
	{{0, 500, -1, 0}, DELIVERY_DROPPED},	     {{0, 501, -1, 0}, DELIVERY_DROPPED},
};

static void what_an_answer_means(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct delivery delivery = new_delivery(i);
		bool taken = answers[i].verdict == DELIVERY_TAKEN;
		size_t rejected = answers[i].answer.rejected;

		assert_int_equal(try(&delivery, 5, &answers[i].answer, SECOND), answers[i].verdict);
		assert_int_equal(delivery.sending, answers[i].verdict == DELIVERY_AGAIN ? 5 : 0);
		assert_int_equal(delivery.totals.exported, taken ? 5 - rejected : 0);
		assert_int_equal(delivery.totals.dropped, taken		     ? rejected
							  : delivery.sending ? 0
									     : 5);
		assert_int_equal(delivery.totals.retried, 0);
	}
}

/* From half to one and a half of 0.5, 1, 2 … 30 s, and not always the same. */
static void tries_are_further_and_further_apart(void **state)
{
	static const struct delivery_answer busy = {0, 503, -1, 0};

	(void)state;
	for (uint64_t random = 0; random < 200; random++) {
		struct delivery delivery = new_delivery(random);
		uint64_t now_ns = SECOND, ms = DELIVERY_BACKOFF_FIRST_MS;

		for (unsigned i = 0; i < 12; i++) {
			assert_int_equal(try(&delivery, 5, &busy, now_ns), DELIVERY_AGAIN);
			uint64_t wait_ms = (delivery.not_before_ns - now_ns) / MS;
			assert_in_range(wait_ms, ms / 2, ms / 2 + ms - 1);
			assert_false(delivery_is_due(&delivery, 5, 0, delivery.not_before_ns - 1));
			assert_true(delivery_is_due(&delivery, 5, 0, delivery.not_before_ns));
			now_ns = delivery.not_before_ns;
			ms = 2 * ms < DELIVERY_BACKOFF_LAST_MS ? 2 * ms : DELIVERY_BACKOFF_LAST_MS;
		}
		assert_int_equal(delivery.totals.retried, 11 * 5);
	}
}

static void batches_do_not_all_come_at_once(void **state)
{
	static const struct delivery_answer busy = {0, 503, -1, 0};
	struct delivery one = new_delivery(1), other = new_delivery(2);

	(void)state;
	(void)try(&one, 5, &busy, SECOND);
	(void)try(&other, 5, &busy, SECOND);
	assert_int_not_equal(one.not_before_ns, other.not_before_ns);
}

static void retry_after_is_obeyed_within_reason(void **state)
{
	static const struct {
		int64_t asked_s;
		uint64_t least_s;
	} cases[] = {{0, 0}, {7, 7}, {300, 300}, {301, 300}, {INT64_MAX, 300}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct delivery delivery = new_delivery(i);
		const struct delivery_answer answer = {0, 429, cases[i].asked_s, 0};

		assert_int_equal(try(&delivery, 5, &answer, SECOND), DELIVERY_AGAIN);
		uint64_t waited_ns = delivery.not_before_ns - SECOND;
		if (cases[i].least_s)
			assert_int_equal(waited_ns, cases[i].least_s * SECOND);
		else
			assert_in_range(waited_ns, 250 * MS, 750 * MS);
	}
}

static void a_batch_is_given_up_in_time(void **state)
{
	static const struct delivery_answer busy = {0, 503, -1, 0};
	const uint64_t end_ns = SECOND + GIVE_UP_MS * MS;
	struct delivery delivery = new_delivery(3);
	uint64_t now_ns = SECOND;

	(void)state;
	while (try(&delivery, 5, &busy, now_ns) == DELIVERY_AGAIN) {
		assert_true(delivery.not_before_ns <= end_ns);
		now_ns = delivery.not_before_ns;
	}
	assert_true(now_ns > end_ns - 2 * DELIVERY_BACKOFF_LAST_MS * MS);
	assert_int_equal(delivery.totals.dropped, 5);
	assert_int_equal(delivery.sending, 0);
	/* The next one begins anew. */
	assert_true(delivery_is_due(&delivery, 5, 0, now_ns));
	assert_int_equal(try(&delivery, 5, &busy, now_ns), DELIVERY_AGAIN);
	assert_true(delivery.not_before_ns - now_ns < SECOND);
}

static void what_cannot_be_sent_is_dropped(void **state)
{
	struct delivery delivery = new_delivery(1);

	(void)state;
	assert_true(delivery_begin(&delivery, 5, SECOND));
	assert_int_equal(delivery_give_up(&delivery), 5);
	assert_int_equal(delivery.totals.dropped, 5);
}

/* ---- the identity, whatever a collector does ---- */

struct story {
	struct queue queue;
	struct delivery delivery;
	struct ids dice;
	uint64_t now_ns, added, refused;
};

static void add_some(struct story *story)
{
	for (uint64_t n = ids_random(&story->dice) % 8; n > 0; n--) {
		story->added++;
		if (queue_push(&story->queue, "x", 1, 0, story->now_ns) < 0)
			story->refused++;
	}
}

static struct delivery_answer any_answer(struct story *story)
{
	struct delivery_answer answer =
		answers[ids_random(&story->dice) % ARRAY_SIZE(answers)].answer;

	answer.rejected = ids_random(&story->dice) % (story->delivery.sending + 1);
	if (ids_random(&story->dice) % 4 == 0)
		answer.retry_after_s = (int64_t)(ids_random(&story->dice) % 400);
	return answer;
}

static void send_what_is_due(struct story *story)
{
	const struct queue *queue = &story->queue;
	size_t through;

	if (!delivery_is_due(&story->delivery, queue->count, queue_oldest_ns(queue), story->now_ns))
		return;
	(void)delivery_begin(&story->delivery, queue->count, story->now_ns);
	if (ids_random(&story->dice) % 50 == 0) {
		queue_pop(&story->queue, delivery_give_up(&story->delivery));
		return;
	}
	delivery_sent(&story->delivery);
	add_some(story); /* while it is under way */
	struct delivery_answer answer = any_answer(story);
	(void)delivery_answered(&story->delivery, &answer, story->now_ns, &through);
	queue_pop(&story->queue, through);
}

static void every_span_is_somewhere(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct story story = {.delivery = new_delivery(seed), .now_ns = SECOND};
		const struct delivery_totals *totals = &story.delivery.totals;

		ids_init(&story.dice, (const uint64_t[4]){seed, 5, 6, 7});
		assert_int_equal(queue_init(&story.queue, 64), 0);
		for (unsigned i = 0; i < 2000; i++) {
			add_some(&story);
			send_what_is_due(&story);
			story.now_ns += ids_random(&story.dice) % (20 * SECOND);
			assert_int_equal(story.added, totals->exported + totals->dropped +
							      story.refused + story.queue.count);
			assert_true(story.delivery.sending <= story.queue.count);
		}
		assert_true(totals->exported && totals->dropped && totals->retried &&
			    story.refused);
		queue_free(&story.queue);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_are_due_by_size_or_time),
		cmocka_unit_test(one_batch_at_a_time),
		cmocka_unit_test(what_an_answer_means),
		cmocka_unit_test(tries_are_further_and_further_apart),
		cmocka_unit_test(batches_do_not_all_come_at_once),
		cmocka_unit_test(retry_after_is_obeyed_within_reason),
		cmocka_unit_test(a_batch_is_given_up_in_time),
		cmocka_unit_test(what_cannot_be_sent_is_dropped),
		cmocka_unit_test(every_span_is_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
