/* SPDX-License-Identifier: Apache-2.0 */
#include "run/settle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"
#include "run/classify.h"

#define EXIT_NS (BUILD_START_NS + 500 * 1000000ull)
#define BEFORE_GRACE (SETTLE_GRACE_NS - 1)
#define BEFORE_ORPHAN (SETTLE_ORPHAN_NS - 1)

#define STREAM_STATE(index, state) ((unsigned)(state) << (index)*STREAM_STATE_BITS)
#define OUT(state) STREAM_STATE(STDIO_OUT, state)
#define ERR(state) STREAM_STATE(STDIO_ERR, state)

#define GONE .exit_ns = EXIT_NS, .gone_ns = EXIT_NS
#define STDIN .stdio[STDIO_IN]
#define STDOUT .stdio[STDIO_OUT]
#define STDERR .stdio[STDIO_ERR]
/* Gone, and the end of its stdout was seen: only stderr can keep it. */
#define READ_TO_THE_END GONE, STDOUT.kind = STDIO_KIND_PIPE, STDOUT.peer.eof_ns = EXIT_NS
/* Gone, with a pipe for stdout whose end nobody was seen to meet. */
#define UNREAD GONE, STDOUT.kind = STDIO_KIND_PIPE

struct row {
	struct run run;
	unsigned streams;
	uint64_t age_ns; /* since the exit */
	enum settle settle;
};

static void assert_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum settle settle =
			run_settle(&rows[i].run, rows[i].streams, EXIT_NS + rows[i].age_ns);

		if (settle != rows[i].settle)
			fail_msg("row %zu: %d", i, settle);
	}
}

static void record_that_the_ring_refused_is_over(void **state)
{
	static const struct row rows[] = {
		{{.over = 1}, 0, 0, SETTLE_OVER},
		{{.over = 1, UNREAD}, OUT(STREAM_HAS_WRITER | STREAM_HAS_READER), 0, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void process_that_lives_is_not_over(void **state)
{
	static const struct row rows[] = {
		{{.key.tgid = BUILD_PID}, 0, SETTLE_ORPHAN_NS, SETTLE_WAIT},
		/* It exited behind the moment that was taken for now. */
		{{.exit_ns = EXIT_NS + 1, .gone_ns = EXIT_NS + 1}, 0, 0, SETTLE_WAIT},
		{{GONE}, 0, 0, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void threads_have_a_grace_to_leave(void **state)
{
	static const struct row rows[] = {
		{{.exit_ns = EXIT_NS}, 0, 0, SETTLE_WAIT},
		{{.exit_ns = EXIT_NS}, 0, BEFORE_GRACE, SETTLE_WAIT},
		{{.exit_ns = EXIT_NS}, 0, SETTLE_GRACE_NS, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void stdout_that_nobody_can_read_does_not_hold(void **state)
{
	static const unsigned open = OUT(STREAM_HAS_WRITER | STREAM_HAS_READER);
	static const struct row rows[] = {
		{{GONE, STDOUT.kind = STDIO_KIND_NONE}, open, 0, SETTLE_OVER},
		{{GONE, STDOUT.kind = STDIO_KIND_FILE}, open, 0, SETTLE_OVER},
		{{GONE, STDOUT.kind = STDIO_KIND_OTHER}, open, 0, SETTLE_OVER},
		{{READ_TO_THE_END}, open, 0, SETTLE_OVER},
		{{UNREAD, STDOUT.flags = STREAM_SHARED}, open, 0, SETTLE_OVER},
		{{UNREAD}, OUT(0), 0, SETTLE_OVER},
		{{UNREAD}, OUT(STREAM_HAS_WRITER | STREAM_HAS_BYTES), 0, SETTLE_OVER},
		{{GONE, STDOUT.kind = STDIO_KIND_UNIX}, OUT(STREAM_HAS_WRITER), 0, SETTLE_OVER},
		/* A flag that says nothing about whose stream it is. */
		{{UNREAD, STDOUT.flags = STREAM_EARLY}, open, 0, SETTLE_WAIT},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void server_that_reads_is_awaited_to_the_orphan_limit(void **state)
{
	static const struct row rows[] = {
		{{UNREAD, STDOUT.peer.pid = BUILD_SERVER},
		 OUT(STREAM_HAS_READER),
		 SETTLE_GRACE_NS,
		 SETTLE_WAIT},
		{{UNREAD, STDIN.peer.pid = BUILD_SERVER},
		 OUT(STREAM_HAS_READER),
		 BEFORE_ORPHAN,
		 SETTLE_WAIT},
		{{UNREAD, STDIN.peer.pid = BUILD_SERVER},
		 OUT(STREAM_HAS_READER),
		 SETTLE_ORPHAN_NS,
		 SETTLE_OVER},
		{{GONE, STDOUT.kind = STDIO_KIND_UNIX, STDOUT.peer.pid = BUILD_SERVER},
		 OUT(STREAM_HAS_READER),
		 BEFORE_ORPHAN,
		 SETTLE_WAIT},
		/* As much as it reads at most: it has not given up yet. */
		{{UNREAD, STDOUT.peer.pid = BUILD_SERVER, STDOUT.peer.bytes = STDOUT_LIMIT_BYTES},
		 OUT(STREAM_HAS_READER),
		 BEFORE_ORPHAN,
		 SETTLE_WAIT},
		/* Not a SIGKILL. */
		{{UNREAD, STDOUT.peer.pid = BUILD_SERVER, .other.pid = BUILD_SERVER},
		 OUT(STREAM_HAS_READER),
		 BEFORE_ORPHAN,
		 SETTLE_WAIT},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

#define GIVEN_UP(...) UNREAD, STDOUT.peer.pid = BUILD_SERVER, __VA_ARGS__

static void server_that_gave_up_has_the_grace(void **state)
{
	static const unsigned read_only = OUT(STREAM_HAS_READER | STREAM_HAS_BYTES);
	static const struct row rows[] = {
		{{GIVEN_UP(.kill.pid = BUILD_SERVER)}, read_only, BEFORE_GRACE, SETTLE_WAIT},
		{{GIVEN_UP(.kill.pid = BUILD_SERVER)}, read_only, SETTLE_GRACE_NS, SETTLE_OVER},
		{{GIVEN_UP(STDIN.peer.error = -32)}, read_only, BEFORE_GRACE, SETTLE_WAIT},
		{{GIVEN_UP(STDIN.peer.error = -32)}, read_only, SETTLE_GRACE_NS, SETTLE_OVER},
		{{GIVEN_UP(STDOUT.peer.error = -5)}, read_only, BEFORE_GRACE, SETTLE_WAIT},
		{{GIVEN_UP(STDOUT.peer.error = -5)}, read_only, SETTLE_GRACE_NS, SETTLE_OVER},
		{{GIVEN_UP(STDOUT.peer.bytes = STDOUT_LIMIT_BYTES + 1)},
		 read_only,
		 BEFORE_GRACE,
		 SETTLE_WAIT},
		{{GIVEN_UP(STDOUT.peer.bytes = STDOUT_LIMIT_BYTES + 1)},
		 read_only,
		 SETTLE_GRACE_NS,
		 SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void server_that_was_never_seen_has_the_grace(void **state)
{
	static const struct row rows[] = {
		{{UNREAD}, OUT(STREAM_HAS_READER), BEFORE_GRACE, SETTLE_WAIT},
		{{UNREAD}, OUT(STREAM_HAS_READER), SETTLE_GRACE_NS, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void writer_left_behind_holds_stdout_whatever_the_server_did(void **state)
{
	static const unsigned open = OUT(STREAM_HAS_WRITER | STREAM_HAS_READER);
	static const struct row rows[] = {
		{{UNREAD}, open, BEFORE_ORPHAN, SETTLE_WAIT},
		{{UNREAD}, open, SETTLE_ORPHAN_NS, SETTLE_OVER},
		{{GIVEN_UP(.kill.pid = BUILD_SERVER)}, open, BEFORE_ORPHAN, SETTLE_WAIT},
		{{GIVEN_UP(.kill.pid = BUILD_SERVER)}, open, SETTLE_ORPHAN_NS, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

/* Gone, stdout read, and n bytes written to a stderr of that kind. */
#define STDERR_OF(kind_, n) READ_TO_THE_END, STDERR.kind = (kind_), STDERR.self.bytes = (n)
#define STDERR_PIPE(n) STDERR_OF(STDIO_KIND_PIPE, n)

static void stderr_that_was_read_does_not_hold(void **state)
{
	static const unsigned left = ERR(STREAM_HAS_READER | STREAM_HAS_BYTES);
	static const struct row rows[] = {
		{{STDERR_OF(STDIO_KIND_FILE, 9)}, left, 0, SETTLE_OVER},
		{{STDERR_OF(STDIO_KIND_NONE, 0)}, left, 0, SETTLE_OVER},
		{{STDERR_PIPE(9), STDERR.flags = STREAM_SHARED}, left, 0, SETTLE_OVER},
		{{STDERR_PIPE(9), STDERR.peer.pid = BUILD_SERVER, STDERR.peer.bytes = 9},
		 left,
		 0,
		 SETTLE_OVER},
		/* A grandchild wrote as well. */
		{{STDERR_PIPE(9), STDERR.peer.pid = BUILD_SERVER, STDERR.peer.bytes = 12},
		 left,
		 0,
		 SETTLE_OVER},
		/* Nobody was seen to read it, and so nobody to leave it. */
		{{STDERR_PIPE(9)}, left, 0, SETTLE_OVER},
		/* Somebody else's bytes: the run wrote none. */
		{{STDERR_PIPE(0)}, left, 0, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void stderr_unread_for_the_grace_is_told(void **state)
{
	static const unsigned left = ERR(STREAM_HAS_READER | STREAM_HAS_BYTES);
	static const struct row rows[] = {
		{{STDERR_OF(STDIO_KIND_UNIX, 9), STDERR.peer.pid = BUILD_SERVER},
		 left,
		 SETTLE_GRACE_NS,
		 SETTLE_OVER_UNREAD},
		{{STDERR_PIPE(9), STDERR.peer.pid = BUILD_SERVER, STDERR.peer.bytes = 8},
		 0,
		 BEFORE_GRACE,
		 SETTLE_WAIT},
		{{STDERR_PIPE(9), STDERR.peer.pid = BUILD_SERVER, STDERR.peer.bytes = 8},
		 0,
		 SETTLE_GRACE_NS,
		 SETTLE_OVER_UNREAD},
		/* A read was not seen, the end behind it was. */
		{{STDERR_PIPE(9), STDERR.peer.pid = BUILD_SERVER, STDERR.peer.bytes = 8,
		  STDERR.peer.eof_ns = EXIT_NS},
		 0,
		 0,
		 SETTLE_OVER},
		/* Stdout still holds it. */
		{{UNREAD, STDERR.kind = STDIO_KIND_PIPE, STDERR.self.bytes = 9},
		 left | OUT(STREAM_HAS_WRITER | STREAM_HAS_READER),
		 SETTLE_GRACE_NS,
		 SETTLE_WAIT},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void each_stream_has_its_own_bits(void **state)
{
	static const unsigned all = (1u << STREAM_STATE_BITS) - 1;
	static const struct row rows[] = {
		{{UNREAD, STDERR.kind = STDIO_KIND_PIPE, STDERR.self.bytes = 9},
		 STREAM_STATE(STDIO_IN, all),
		 0,
		 SETTLE_OVER},
		{{UNREAD}, ERR(all), 0, SETTLE_OVER},
		{{STDERR_PIPE(9)}, OUT(all), 0, SETTLE_OVER},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void run_as_it_usually_ends_is_over_at_once(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	assert_int_equal(run_settle(&run, 0, run.exit_ns), SETTLE_OVER);
}

static void end_that_was_not_read_is_told_by_the_bytes(void **state)
{
	static const struct {
		struct run run;
		unsigned streams;
		uint64_t eof_ns;
	} cases[] = {
		/* Everything was read: at the exit, or when the last of it was. */
		{{UNREAD, STDOUT.self.bytes = 9, STDOUT.peer.bytes = 9, STDOUT.peer.pid = 1},
		 OUT(STREAM_HAS_READER),
		 EXIT_NS},
		{{UNREAD, STDOUT.self.bytes = 9, STDOUT.peer.bytes = 9, STDOUT.peer.pid = 1,
		  STDOUT.peer.last_ns = EXIT_NS + 5},
		 0,
		 EXIT_NS + 5},
		/* Something is missing, or still to come, or nobody read. */
		{{UNREAD, STDOUT.self.bytes = 9, STDOUT.peer.bytes = 8, STDOUT.peer.pid = 1}, 0, 0},
		{{UNREAD, STDOUT.self.bytes = 9, STDOUT.peer.bytes = 9, STDOUT.peer.pid = 1},
		 OUT(STREAM_HAS_WRITER | STREAM_HAS_READER),
		 0},
		{{UNREAD, STDOUT.self.bytes = 9, STDOUT.peer.bytes = 9, STDOUT.peer.pid = 1},
		 OUT(STREAM_HAS_BYTES | STREAM_HAS_READER),
		 0},
		{{UNREAD}, OUT(STREAM_HAS_READER), 0},
		/* It was seen. */
		{{READ_TO_THE_END, STDOUT.self.bytes = 9, STDOUT.peer.pid = 1}, 0, EXIT_NS},
		{{GONE, STDOUT.kind = STDIO_KIND_FILE}, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (run_settled_eof_ns(&cases[i].run, cases[i].streams) != cases[i].eof_ns)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_that_the_ring_refused_is_over),
		cmocka_unit_test(process_that_lives_is_not_over),
		cmocka_unit_test(threads_have_a_grace_to_leave),
		cmocka_unit_test(stdout_that_nobody_can_read_does_not_hold),
		cmocka_unit_test(server_that_reads_is_awaited_to_the_orphan_limit),
		cmocka_unit_test(server_that_gave_up_has_the_grace),
		cmocka_unit_test(server_that_was_never_seen_has_the_grace),
		cmocka_unit_test(writer_left_behind_holds_stdout_whatever_the_server_did),
		cmocka_unit_test(stderr_that_was_read_does_not_hold),
		cmocka_unit_test(stderr_unread_for_the_grace_is_told),
		cmocka_unit_test(end_that_was_not_read_is_told_by_the_bytes),
		cmocka_unit_test(each_stream_has_its_own_bits),
		cmocka_unit_test(run_as_it_usually_ends_is_over_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
