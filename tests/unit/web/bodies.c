/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "web/bodies.h"
#include "web/clients.h"

static void the_slowest_reader_is_named_when_all_are_taken(void **state)
{
	struct client clients[BODIES_MAX] = {};
	struct body *taken[BODIES_MAX];
	struct bodies bodies;

	(void)state;
	bodies_init(&bodies);
	for (int i = 0; i < BODIES_MAX; i++) {
		assert_null(bodies_slowest(&bodies));
		taken[i] = bodies_take(&bodies, &clients[i]);
	}
	assert_ptr_equal(bodies_slowest(&bodies), &clients[0]);
	assert_null(bodies_take(&bodies, &clients[0]));

	body_release(taken[0]);
	assert_null(bodies_slowest(&bodies));
	assert_ptr_equal(bodies_take(&bodies, &clients[0]), taken[0]);
	assert_ptr_equal(bodies_slowest(&bodies), &clients[1]);
	bodies_free(&bodies);
}

static void only_warm_bodies_keep_their_memory(void **state)
{
	struct body *taken[BODIES_MAX];
	struct client client = {};
	struct bodies bodies;

	(void)state;
	bodies_init(&bodies);
	for (int i = 0; i < BODIES_MAX; i++) {
		taken[i] = bodies_take(&bodies, &client);
		buf_append_cstr(&taken[i]->plain, "a 1\n");
	}
	for (int i = 0; i < BODIES_MAX; i++) {
		body_release(taken[i]);
		assert_int_equal(taken[i]->plain.cap > 0, i < BODIES_WARM);
	}

	struct body *again = bodies_take(&bodies, &client);
	assert_ptr_equal(again, taken[0]);
	assert_int_equal(again->plain.len, 0);
	bodies_free(&bodies);
}

static void assert_inflates_to(const struct buf *gzip, const char *text, size_t n)
{
	char out[4096];
	z_stream stream = {
		.next_in = (void *)gzip->data,
		.avail_in = (uInt)gzip->len,
		.next_out = (void *)out,
		.avail_out = sizeof(out),
	};

	assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK); /* 16: gzip */
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, n);
	assert_memory_equal(out, text, n);
	assert_int_equal(inflateEnd(&stream), Z_OK);
}

static void gzip_holds_the_plain_text(void **state)
{
	struct client client = {};
	struct bodies bodies;

	(void)state;
	bodies_init(&bodies);
	struct body *body = bodies_take(&bodies, &client);
	for (int i = 0; i < 100; i++)
		buf_printf(&body->plain, "runs_total{tool_id=\"%d\"} 1\n", i);
	assert_int_equal(body_compress(body), 0);
	assert_true(body->gzip.len < body->plain.len / 2);
	assert_inflates_to(&body->gzip, body->plain.data, body->plain.len);

	buf_clear(&body->plain);
	buf_clear(&body->gzip);
	assert_int_equal(body_compress(body), 0);
	assert_inflates_to(&body->gzip, "", 0);
	bodies_free(&bodies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_slowest_reader_is_named_when_all_are_taken),
		cmocka_unit_test(only_warm_bodies_keep_their_memory),
		cmocka_unit_test(gzip_holds_the_plain_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
