/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "exec/builder.h"

static void record_is_used_where_it_lies(void **state)
{
	const struct exchange *decoded = NULL;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	assert_true(exchange_decode(&exchange, sizeof(exchange), &decoded));
	assert_ptr_equal(decoded, &exchange);
}

static void record_under_way_is_accepted(void **state)
{
	const struct exchange *decoded = NULL;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	exchange.end = EXCHANGE_OPEN;
	exchange.response_first_ns = exchange.response_last_ns = exchange.end_ns = 0;
	exchange.request_last_ns = 0;
	exchange.status = 0;
	assert_true(exchange_decode(&exchange, sizeof(exchange), &decoded));
}

static void response_that_never_ended_is_accepted(void **state)
{
	const struct exchange *decoded = NULL;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	exchange.end = EXCHANGE_CUT;
	exchange.response_last_ns = 0;
	assert_true(exchange_decode(&exchange, sizeof(exchange), &decoded));
}

static void other_sizes_and_alignments_are_refused(void **state)
{
	static uint8_t bytes[sizeof(struct exchange) + 16] __attribute__((aligned(16)));
	const struct exchange *decoded = NULL;

	(void)state;
	build_exchange((struct exchange *)bytes);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		if (n != sizeof(struct exchange))
			assert_false(exchange_decode(bytes, n, &decoded));
	}
	assert_false(exchange_decode(bytes + 1, sizeof(struct exchange), &decoded));
	assert_null(decoded);
}

static void no_id(struct exchange *exchange)
{
	exchange->id = 0;
}

static void no_server(struct exchange *exchange)
{
	exchange->server_pid = 0;
}

static void no_first_byte(struct exchange *exchange)
{
	exchange->request_first_ns = 0;
}

static void unknown_end(struct exchange *exchange)
{
	exchange->end = EXCHANGE_UNKNOWN + 1;
}

static void end_without_a_time(struct exchange *exchange)
{
	exchange->end_ns = 0;
}

static void status_of_four_digits(struct exchange *exchange)
{
	exchange->status = 1000;
}

static void line_longer_than_its_room(struct exchange *exchange)
{
	exchange->line_bytes = REQUEST_LINE_BYTES + 1;
}

static void traceparent_longer_than_its_room(struct exchange *exchange)
{
	exchange->traceparent_bytes = TRACEPARENT_BYTES + 1;
}

static void tracestate_longer_than_its_room(struct exchange *exchange)
{
	exchange->tracestate_bytes = TRACESTATE_BYTES + 1;
}

static void body_longer_than_its_room(struct exchange *exchange)
{
	exchange->body_bytes[EXCHANGE_RESPONSE] = BODY_HEAD_BYTES + 1;
}

static void request_body_longer_than_its_room(struct exchange *exchange)
{
	exchange->body_bytes[EXCHANGE_REQUEST] = BODY_HEAD_BYTES + 1;
	exchange->request_body_bytes = BODY_HEAD_BYTES + 1;
}

static void request_body_shorter_than_its_head(struct exchange *exchange)
{
	exchange->body_bytes[EXCHANGE_REQUEST] = 2;
	exchange->request_body_bytes = 1;
}

static void request_tail_longer_than_its_room(struct exchange *exchange)
{
	exchange->request_tail_bytes = BODY_TAIL_BYTES + 1;
}

static void answer_before_the_request(struct exchange *exchange)
{
	exchange->response_first_ns = BUILD_FIRST_NS - 1;
}

static void execution_before_the_request(struct exchange *exchange)
{
	exchange->execution_ns = BUILD_FIRST_NS - 1;
}

static void last_byte_before_the_first(struct exchange *exchange)
{
	exchange->response_last_ns = exchange->response_first_ns - 1;
}

static void damaged_records_are_refused(void **state)
{
	static void (*const damages[])(struct exchange *) = {
		no_id,
		no_server,
		no_first_byte,
		unknown_end,
		end_without_a_time,
		status_of_four_digits,
		line_longer_than_its_room,
		traceparent_longer_than_its_room,
		tracestate_longer_than_its_room,
		body_longer_than_its_room,
		request_body_longer_than_its_room,
		request_body_shorter_than_its_head,
		request_tail_longer_than_its_room,
		answer_before_the_request,
		last_byte_before_the_first,
		execution_before_the_request,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		const struct exchange *decoded = NULL;
		struct exchange exchange;

		build_exchange(&exchange);
		damages[i](&exchange);
		assert_false(exchange_decode(&exchange, sizeof(exchange), &decoded));
		assert_null(decoded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_is_used_where_it_lies),
		cmocka_unit_test(record_under_way_is_accepted),
		cmocka_unit_test(response_that_never_ended_is_accepted),
		cmocka_unit_test(other_sizes_and_alignments_are_refused),
		cmocka_unit_test(damaged_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
