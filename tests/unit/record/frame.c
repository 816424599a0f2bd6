/* SPDX-License-Identifier: Apache-2.0 */
#include "record/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/redact.h"
#include "run/rows.h"

/* Whoever changes one of these raises RECORDING_VERSION, and makes the goldens anew. */
static void layout_is_the_versions(void **state)
{
	(void)state;
	assert_int_equal(RECORDING_VERSION, 3);
	assert_int_equal(sizeof(struct run), 3184);
	assert_int_equal(FRAME_FIXED_BYTES, 624);
	assert_int_equal(sizeof(struct recording_header), 48);
	assert_int_equal(sizeof(struct frame_head), 52);
}

/* In memory of exactly its size, so that the sanitizer sees the first byte beyond. */
static long read_exactly(const uint8_t *frame, size_t n, struct run *ret)
{
	_cleanup_free_ uint8_t *exact = malloc(n ? n : 1);

	assert_non_null(exact);
	memcpy(exact, frame, n);
	return frame_read(exact, n, ret);
}

static void assert_survives(const struct run *run)
{
	uint8_t frame[FRAME_BYTES_MAX];
	size_t n = frame_write(run, frame);
	struct run back;

	memset(&back, 0xa5, sizeof(back));
	assert_true(n <= sizeof(frame));
	assert_int_equal(read_exactly(frame, n, &back), n);
	assert_memory_equal(&back, run, sizeof(back));
}

static void every_record_comes_back_as_it_was(void **state)
{
	static const struct run blank;
	struct run run;

	(void)state;
	assert_survives(&blank);
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		build_run(&run);
		situations[i].arrange(&run);
		assert_survives(&run);
		run_redact(&run, &track_workers);
		assert_survives(&run);
	}
}

static void any_bytes_come_back_as_they_were(void **state)
{
	struct run run;
	uint8_t *bytes = (uint8_t *)&run;

	(void)state;
	srand(1);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(run); i++)
			bytes[i] = (uint8_t)rand();
		memset(bytes + rand() % sizeof(run) / 2, round, (size_t)rand() % (sizeof(run) / 2));
		assert_survives(&run);
	}
	memset(&run, 0xff, sizeof(run));
	assert_survives(&run);
}

static void redacted_record_is_small(void **state)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct run run;
	size_t with;

	(void)state;
	build_run(&run);
	with = frame_write(&run, frame);
	run_redact(&run, &track_workers);
	assert_true(frame_write(&run, frame) < 450);
	assert_true(frame_write(&run, frame) < with / 2);
}

static void frame_without_its_end_is_cut(void **state)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct run run;
	size_t n;

	(void)state;
	build_run(&run);
	n = frame_write(&run, frame);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(read_exactly(frame, cut, &run), 0);
}

/* Each number of the head that does not fit the others. */
static void frame_that_contradicts_itself_is_none(void **state)
{
	uint8_t frame[FRAME_BYTES_MAX];
	struct frame_head head, bad;
	struct run run;
	size_t n;

	(void)state;
	build_run(&run);
	n = frame_write(&run, frame);
	memcpy(&head, frame, sizeof(head));
	for (size_t i = 0; i < FRAME_TEXTS_COUNT + FRAME_MASKS + 3; i++) {
		bad = head;
		if (i < FRAME_TEXTS_COUNT)
			bad.used[i] += 1;
		else if (i < FRAME_TEXTS_COUNT + FRAME_MASKS)
			bad.words[i - FRAME_TEXTS_COUNT] ^= 1u << 31;
		else
			bad.bytes =
				(uint32_t[]){0, 1, UINT32_MAX}[i - FRAME_TEXTS_COUNT - FRAME_MASKS];
		memcpy(frame, &bad, sizeof(bad));
		if (read_exactly(frame, n, &run) != -EBADMSG)
			fail_msg("case %zu", i);
	}
	bad = head;
	bad.used[0] = UINT16_MAX;
	bad.bytes += UINT16_MAX - head.used[0];
	memcpy(frame, &bad, sizeof(bad));
	assert_int_equal(read_exactly(frame, n, &run), -EBADMSG);
}

static void header_says_whether_it_can_be_read(void **state)
{
	struct recording_header header, bad;

	(void)state;
	header_make(true, &header);
	assert_int_equal(header.flags, RECORDING_PAYLOAD);
	assert_null(header_problem(&header, sizeof(header)));
	assert_string_equal(header_problem("", 0), "is not a recording of bunscope");
	assert_string_equal(header_problem("BUNSCOPX", 8), "is not a recording of bunscope");
	assert_non_null(strstr(header_problem(&header, sizeof(header) - 1), "within its header"));

	bad = header;
	bad.version++;
	assert_non_null(strstr(header_problem(&bad, sizeof(bad)), "newer bunscope"));
	bad = header;
	bad.version = 0;
	assert_non_null(strstr(header_problem(&bad, sizeof(bad)), "another layout"));
	bad = header;
	bad.run_bytes += 8;
	assert_non_null(strstr(header_problem(&bad, sizeof(bad)), "another layout"));

	header.flags |= RECORDING_COMPLETE;
	header.bytes = sizeof(header);
	assert_null(header_problem(&header, sizeof(header)));
	header.bytes++;
	assert_non_null(strstr(header_problem(&header, sizeof(header)), "damaged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_is_the_versions),
		cmocka_unit_test(every_record_comes_back_as_it_was),
		cmocka_unit_test(any_bytes_come_back_as_they_were),
		cmocka_unit_test(redacted_record_is_small),
		cmocka_unit_test(frame_without_its_end_is_cut),
		cmocka_unit_test(frame_that_contradicts_itself_is_none),
		cmocka_unit_test(header_says_whether_it_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
