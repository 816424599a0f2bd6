/* SPDX-License-Identifier: Apache-2.0 */
#include "run/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

static void fill(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 256);
}

static void reply_that_fits_is_put_together(void **state)
{
	static uint8_t bytes[REPLY_HEAD_BYTES + REPLY_TAIL_BYTES];
	struct text text;
	struct run run;

	(void)state;
	fill(bytes, sizeof(bytes));
	build_run(&run);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		build_reply(&run, bytes, n);
		text_of_reply(&run, false, &text);
		assert_true(text.whole);
		assert_int_equal(text.head_bytes, n);
		assert_int_equal(text.tail_bytes, n);
		assert_memory_equal(text_head(&text), bytes, n);
		assert_memory_equal(text_tail(&text), bytes, n);
	}
}

static void longer_reply_has_two_ends(void **state)
{
	static uint8_t bytes[3 * (REPLY_HEAD_BYTES + REPLY_TAIL_BYTES)];
	struct text text;
	struct run run;

	(void)state;
	fill(bytes, sizeof(bytes));
	build_run(&run);
	for (size_t n = REPLY_HEAD_BYTES + REPLY_TAIL_BYTES + 1; n <= sizeof(bytes); n++) {
		build_reply(&run, bytes, n);
		text_of_reply(&run, false, &text);
		assert_false(text.whole);
		assert_int_equal(text.bytes, n);
		assert_int_equal(text.head_bytes, REPLY_HEAD_BYTES);
		assert_int_equal(text.tail_bytes, REPLY_TAIL_BYTES);
		assert_memory_equal(text_head(&text), bytes, REPLY_HEAD_BYTES);
		assert_memory_equal(text_tail(&text), bytes + n - REPLY_TAIL_BYTES,
				    REPLY_TAIL_BYTES);
	}
}

static void request_is_put_together_too(void **state)
{
	static uint8_t bytes[2 * (REQUEST_HEAD_BYTES + REQUEST_TAIL_BYTES)];
	struct text text;
	struct run run;

	(void)state;
	fill(bytes, sizeof(bytes));
	build_run(&run);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		build_request_written(&run, bytes, n);
		build_request_read(&run, bytes, n);
		text_of_request(&run, false, &text);
		assert_memory_equal(text_head(&text), bytes, text.head_bytes);
		assert_memory_equal(text_tail(&text), bytes + n - text.tail_bytes, text.tail_bytes);
		assert_int_equal(text.whole, n <= REQUEST_HEAD_BYTES + REQUEST_TAIL_BYTES);
	}
}

/* The server's side holds "server", the run's own "run". */
static char request_side(uint32_t stream_flags, uint32_t run_flags, size_t written, size_t read)
{
	struct text text;
	struct run run;

	build_run(&run);
	build_request_written(&run, "server", written);
	build_request_read(&run, "run---", read);
	run.stdio[STDIO_IN].flags = stream_flags;
	run.flags |= run_flags;
	text_of_request(&run, false, &text);
	return (char)text_head(&text)[0];
}

static void request_comes_from_the_side_that_saw_it(void **state)
{
	(void)state;
	assert_int_equal(request_side(0, 0, 6, 3), 's');
	assert_int_equal(request_side(0, 0, 3, 6), 'r'); /* what was read was written */
	assert_int_equal(request_side(0, 0, 0, 6), 'r');
	assert_int_equal(request_side(STREAM_SHARED, 0, 6, 3), 'r');
	assert_int_equal(request_side(STREAM_SHARED | STREAM_EARLY, 0, 6, 3), 'r');
	assert_int_equal(request_side(STREAM_EARLY, 0, 3, 6), 'r');
	assert_int_equal(request_side(STREAM_EARLY, 0, 6, 3), 's');
	assert_int_equal(request_side(0, RUN_ADOPTED, 3, 6), 'r');
	assert_int_equal(request_side(0, RUN_ADOPTED, 6, 3), 's');
}

/* Whether the other end's side of that stream counts. */
static bool peer_counted(enum stdio_index index, struct stream stream)
{
	struct run run = {};

	run.stdio[index] = stream;
	return stream_counted(&run, index) == &run.stdio[index].peer;
}

static void reader_counts_unless_the_stream_is_not_its_own(void **state)
{
	struct stream stream = {.self = {.bytes = 7}};

	(void)state;
	assert_false(peer_counted(STDIO_OUT, stream));
	stream.peer.bytes = 7;
	stream.peer.eof_ns = 1;
	assert_true(peer_counted(STDIO_OUT, stream));
	assert_int_equal(stream_eof_ns(&stream), 1);
	stream.flags = STREAM_EARLY;
	assert_false(peer_counted(STDIO_OUT, stream));
	assert_int_equal(stream_eof_ns(&stream), 1);
	stream.flags = STREAM_SHARED;
	assert_false(peer_counted(STDIO_OUT, stream));
	assert_int_equal(stream_eof_ns(&stream), 0);

	assert_true(peer_counted(STDIO_OUT, (struct stream){.peer = {.error = -5}}));
	assert_true(peer_counted(STDIO_OUT, (struct stream){.peer = {.bytes = 5}}));
}

static void what_the_other_end_missed_this_one_saw(void **state)
{
	static const struct flow five = {.bytes = 5}, five_and_end = {.bytes = 5, .eof_ns = 1};
	static const struct flow seven = {.bytes = 7};

	(void)state;
	assert_true(peer_counted(STDIO_OUT, (struct stream){.self = seven, .peer = five}));
	assert_false(peer_counted(STDIO_OUT, (struct stream){.self = seven, .peer = five_and_end}));
	assert_true(peer_counted(STDIO_OUT, (struct stream){.self = five, .peer = five_and_end}));
	assert_false(peer_counted(STDIO_IN, (struct stream){.self = seven, .peer = five}));
	assert_true(peer_counted(STDIO_IN, (struct stream){.self = five, .peer = seven}));
}

static void space_is_what_the_server_trims(void **state)
{
	static const struct {
		const char *text;
		size_t begin, end;
	} cases[] = {
		{"", 0, 0},
		{"x", 0, 1},
		{" \t\n\v\f\r", 6, 0},
		{" x ", 1, 2},
		{"\xc2\x85x\xc2\xa0", 2, 3},
		{"\xe2\x80\x80\xe2\x80\x8a\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f"
		 "\xe3\x80\x80\xe1\x9a\x80",
		 24, 0},
		{"\xe2\x80\x8bx\xe2\x80\x8b", 0, 7}, /* a zero-width space is none */
		{"\xef\xbb\xbfx\xef\xbb\xbf", 0, 7}, /* nor is a byte order mark */
		{"\xc2", 0, 1},
		{"\xc2 \xc2\t", 0, 3},
		{"\x85x\x85", 0, 3},
		{"\xc0\xa0x\xc0\xa0", 0, 5},
		{"\xe0\x80\x8ax\xe0\x80\xa0", 0, 7}, /* nor are longer forms of short ones */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint8_t *p = (const uint8_t *)cases[i].text;
		size_t n = strlen(cases[i].text);

		if (text_skip_space(p, n) != cases[i].begin || text_trim_end(p, n) != cases[i].end)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_that_fits_is_put_together),
		cmocka_unit_test(longer_reply_has_two_ends),
		cmocka_unit_test(request_is_put_together_too),
		cmocka_unit_test(request_comes_from_the_side_that_saw_it),
		cmocka_unit_test(reader_counts_unless_the_stream_is_not_its_own),
		cmocka_unit_test(what_the_other_end_missed_this_one_saw),
		cmocka_unit_test(space_is_what_the_server_trims),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
