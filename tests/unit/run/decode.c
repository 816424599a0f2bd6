/* SPDX-License-Identifier: Apache-2.0 */
#include "run/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

static void record_is_used_where_it_lies(void **state)
{
	const struct run *decoded = NULL;
	struct run run;

	(void)state;
	build_run(&run);
	assert_int_equal(run_decode(&run, sizeof(run), &decoded), DECODE_OK);
	assert_ptr_equal(decoded, &run);
}

static void record_under_way_is_accepted(void **state)
{
	const struct run *decoded = NULL;
	struct run run;

	(void)state;
	build_run(&run);
	run.exit_ns = 0;
	run.gone_ns = 0;
	run.main_exit_ns = 0;
	assert_int_equal(run_decode(&run, sizeof(run), &decoded), DECODE_OK);
}

static void other_sizes_and_alignments_are_refused(void **state)
{
	static uint8_t bytes[sizeof(struct run) + 16] __attribute__((aligned(16)));
	const struct run *decoded = NULL;

	(void)state;
	build_run((struct run *)bytes);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		if (n != sizeof(struct run))
			assert_int_equal(run_decode(bytes, n, &decoded), DECODE_SIZE);
	}
	assert_int_equal(run_decode(bytes + 1, sizeof(struct run), &decoded), DECODE_SIZE);
	assert_null(decoded);
}

static void no_pid(struct run *run)
{
	run->key.tgid = 0;
}

static void no_start(struct run *run)
{
	run->key.start_ns = 0;
}

static void args_longer_than_their_room(struct run *run)
{
	run->args_bytes = ARGS_BYTES + 1;
}

static void unknown_stdin_kind(struct run *run)
{
	run->stdio[STDIO_IN].kind = STDIO_KIND_OTHER + 1;
}

static void unknown_stderr_kind(struct run *run)
{
	run->stdio[STDIO_ERR].kind = UINT32_MAX;
}

static void positive_errno(struct run *run)
{
	run->stdio[STDIO_OUT].self.error = 32;
}

static void errno_beyond_all(struct run *run)
{
	run->stdio[STDIO_OUT].peer.error = -4096;
}

static void impossible_kill(struct run *run)
{
	run->kill.number = 65;
}

static void impossible_signal(struct run *run)
{
	run->other.number = 65;
}

static void negative_exit(struct run *run)
{
	run->exit_code = -1;
}

static void exit_beyond_a_wait_status(struct run *run)
{
	run->exit_code = 0x10000;
}

static void exec_before_fork(struct run *run)
{
	run->exec_ns = BUILD_START_NS - 1;
}

static void exit_before_fork(struct run *run)
{
	run->exit_ns = BUILD_START_NS - 1;
}

static void leader_exit_before_fork(struct run *run)
{
	run->main_exit_ns = 1;
}

static void gone_before_fork(struct run *run)
{
	run->gone_ns = 1;
}

static void endless_exe(struct run *run)
{
	memset(run->exe, 'x', sizeof(run->exe));
}

static void endless_name(struct run *run)
{
	memset(run->name, 'x', sizeof(run->name));
}

static void malformed_fields_are_refused_by_kind(void **state)
{
	static const struct {
		void (*break_it)(struct run *run);
		enum decode_error error;
	} cases[] = {
		{no_pid, DECODE_KEY},
		{no_start, DECODE_KEY},
		{args_longer_than_their_room, DECODE_BOUNDS},
		{unknown_stdin_kind, DECODE_BOUNDS},
		{unknown_stderr_kind, DECODE_BOUNDS},
		{positive_errno, DECODE_BOUNDS},
		{errno_beyond_all, DECODE_BOUNDS},
		{impossible_kill, DECODE_BOUNDS},
		{impossible_signal, DECODE_BOUNDS},
		{negative_exit, DECODE_BOUNDS},
		{exit_beyond_a_wait_status, DECODE_BOUNDS},
		{exec_before_fork, DECODE_TIMES},
		{exit_before_fork, DECODE_TIMES},
		{leader_exit_before_fork, DECODE_TIMES},
		{gone_before_fork, DECODE_TIMES},
		{endless_exe, DECODE_TEXT},
		{endless_name, DECODE_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct run *decoded = NULL;
		struct run run;

		build_run(&run);
		cases[i].break_it(&run);
		if (run_decode(&run, sizeof(run), &decoded) != cases[i].error)
			fail_msg("case %zu", i);
		assert_null(decoded);
	}
}

static void bounds_themselves_are_accepted(void **state)
{
	const struct run *decoded = NULL;
	struct run run;

	(void)state;
	build_run(&run);
	run.args_bytes = ARGS_BYTES;
	run.stdio[STDIO_OUT].peer.error = -4095;
	run.kill.number = 64;
	run.exit_code = 0xffff;
	run.exec_ns = BUILD_START_NS;
	run.exe[PATH_BYTES - 1] = '\0';
	memset(run.exe, 'x', PATH_BYTES - 1);
	assert_int_equal(run_decode(&run, sizeof(run), &decoded), DECODE_OK);
}

static void every_error_has_a_label(void **state)
{
	(void)state;
	assert_string_equal(decode_error_names[DECODE_OK], "");
	for (int i = DECODE_OK + 1; i < DECODE_COUNT; i++)
		assert_true(decode_error_names[i][0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_is_used_where_it_lies),
		cmocka_unit_test(record_under_way_is_accepted),
		cmocka_unit_test(other_sizes_and_alignments_are_refused),
		cmocka_unit_test(malformed_fields_are_refused_by_kind),
		cmocka_unit_test(bounds_themselves_are_accepted),
		cmocka_unit_test(every_error_has_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
