/* SPDX-License-Identifier: Apache-2.0 */
/* From the writer through a file to the reader. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "record/reader.h"
#include "record/writer.h"
#include "run/builder.h"

#define PATH_MAX_BYTES 64

static char folder[PATH_MAX_BYTES] = "/tmp/bunscope-unit-XXXXXX";
static char path[PATH_MAX_BYTES + 8];

static int make_folder(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/runs", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int remove_file(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct recording_writer *create(void)
{
	_cleanup_buf_ struct buf message = {};
	struct recording_writer *writer = NULL;

	if (recording_create(path, false, &writer, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
	return writer;
}

static void append(struct recording_writer *writer, uint32_t first, uint32_t n)
{
	struct run run;

	build_run(&run);
	for (uint32_t i = first; i < first + n; i++) {
		run.key.tgid = i + 1;
		recording_append(writer, &run);
	}
}

static void write_recording(uint32_t runs)
{
	_cleanup_recording_writer_ struct recording_writer *writer = create();

	append(writer, 0, runs);
	assert_int_equal(recording_close(writer), 0);
	assert_int_equal(recording_runs(writer), runs);
}

/* How many runs come back, in order; or what is said instead. */
static int read_recording(bool *ret_complete, struct buf *message)
{
	_cleanup_recording_reader_ struct recording_reader *reader = NULL;
	const struct run *run;
	uint32_t n = 0;
	int r = recording_open(path, &reader, message);

	if (r < 0)
		return r;
	while ((r = recording_next(reader, &run, message)) > 0)
		assert_int_equal(run->key.tgid, ++n);
	*ret_complete = recording_complete(reader);
	assert_int_equal(recording_read(reader), n);
	return r < 0 ? r : (int)n;
}

static void assert_holds(int runs, bool complete)
{
	_cleanup_buf_ struct buf message = {};
	bool said = false;

	assert_int_equal(read_recording(&said, &message), runs);
	assert_int_equal(said, complete);
	assert_int_equal(message.len, 0);
}

static void assert_refused(const char *said)
{
	_cleanup_buf_ struct buf message = {};
	bool complete;

	assert_true(read_recording(&complete, &message) < 0);
	if (!strstr(buf_cstr(&message), said) || strchr(buf_cstr(&message), '\n'))
		fail_msg("%s", buf_cstr(&message));
	assert_non_null(strstr(buf_cstr(&message), path));
}

static void patch(off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static off_t size(void)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void what_was_written_comes_back(void **state)
{
	static const uint32_t counts[] = {0, 1, 5000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		write_recording(counts[i]);
		assert_holds((int)counts[i], true);
		unlink(path);
	}
}

static void file_is_its_owners_alone(void **state)
{
	struct stat status;

	(void)state;
	write_recording(1);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void it_is_incomplete_until_it_is_closed(void **state)
{
	_cleanup_recording_writer_ struct recording_writer *writer = create();

	(void)state;
	assert_holds(0, false);
	append(writer, 0, 3);
	assert_int_equal(recording_flush(writer), 0);
	assert_holds(3, false);
	append(writer, 3, 2);
	assert_holds(3, false);
	assert_int_equal(recording_close(writer), 0);
	assert_holds(5, true);
}

static void more_than_fits_into_memory_is_written_at_once(void **state)
{
	_cleanup_recording_writer_ struct recording_writer *writer = create();

	(void)state;
	append(writer, 0, 2000);
	assert_true(size() > 512 * 1024);
}

static void whole_runs_of_a_cut_file_are_read(void **state)
{
	_cleanup_recording_writer_ struct recording_writer *writer = create();
	off_t whole;

	(void)state;
	append(writer, 0, 2);
	assert_int_equal(recording_flush(writer), 0);
	whole = size();
	append(writer, 2, 1);
	assert_int_equal(recording_flush(writer), 0);
	for (off_t n = size() - 1; n >= whole; n -= 7) {
		assert_int_equal(truncate(path, n), 0);
		assert_holds(2, false);
	}
}

static void closed_file_is_held_to_its_word(void **state)
{
	struct recording_header header;
	int fd;

	(void)state;
	write_recording(3);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, &header, sizeof(header)), sizeof(header));
	close(fd);
	assert_int_equal(truncate(path, size() - 1), 0);
	assert_refused("damaged");
	header.bytes--;
	patch(0, &header, sizeof(header));
	assert_refused("is damaged behind run 2: the next one has no end");
	header.runs = 7;
	header.bytes = sizeof(header);
	assert_int_equal(truncate(path, sizeof(header)), 0);
	patch(0, &header, sizeof(header));
	assert_refused("another number of runs");
}

static void nonsense_is_refused(void **state)
{
	const uint64_t no_pid = 0;
	const uint32_t huge = UINT32_MAX;

	(void)state;
	write_recording(2);
	patch(sizeof(struct recording_header), &huge, sizeof(huge));
	assert_refused("is damaged behind run 0: the next one makes no sense");
	unlink(path);
	write_recording(2);
	patch(sizeof(struct recording_header) + sizeof(struct frame_head) + 8, &no_pid,
	      sizeof(no_pid));
	assert_refused("is damaged behind run 0: the next one is impossible");
}

static void what_is_no_recording_is_refused(void **state)
{
	(void)state;
	assert_refused("No such file");
	assert_int_equal(close(creat(path, 0600)), 0);
	assert_refused("is empty");
	patch(0, "hello, world", 12);
	assert_refused("is not a recording");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused("is not an ordinary file");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused("Is a directory");
	assert_int_equal(rmdir(path), 0);
}

static void assert_not_created(const char *name, int error, const char *said)
{
	_cleanup_recording_writer_ struct recording_writer *writer = NULL;
	_cleanup_buf_ struct buf message = {};

	assert_int_equal(recording_create(name, false, &writer, &message), error);
	assert_null(writer);
	if (!strstr(buf_cstr(&message), said))
		fail_msg("%s", buf_cstr(&message));
}

static void nothing_is_overwritten(void **state)
{
	(void)state;
	write_recording(2);
	assert_not_created(path, -EEXIST, "exists");
	assert_holds(2, true);
}

static void what_cannot_be_written_is_said(void **state)
{
	(void)state;
	assert_not_created("/proc/1/x/y", -ENOENT, "cannot write /proc/1/x/y: No such file");
	assert_not_created("/dev/full", -ENOSPC, "cannot write /dev/full: No space left");
	assert_int_equal(access("/dev/full", F_OK), 0);
}

/* As on a full disk: what is whole stays, and the file says that it was not closed. */
static void limit_on_the_way_keeps_what_was_written(void **state)
{
	struct rlimit limit, old;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	{
		_cleanup_recording_writer_ struct recording_writer *writer = create();

		append(writer, 0, 4);
		assert_int_equal(recording_flush(writer), 0);
		limit = old;
		limit.rlim_cur = (rlim_t)size() + 3000;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		append(writer, 4, 20);
		assert_int_equal(recording_flush(writer), -EFBIG);
		append(writer, 24, 1);
		assert_int_equal(recording_close(writer), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		assert_true(recording_runs(writer) > 4 && recording_runs(writer) < 24);
		assert_int_equal(size(), recording_bytes(writer));
		assert_holds((int)recording_runs(writer), false);
	}
	assert_int_equal(access(path, F_OK), 0);
}

static void reader_of_a_pipe_may_go(void **state)
{
	_cleanup_recording_writer_ struct recording_writer *writer = NULL;
	uint8_t bytes[sizeof(struct recording_header)];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK);
	writer = create();
	append(writer, 0, 1);
	assert_int_equal(recording_flush(writer), 0);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_null(header_problem(bytes, sizeof(bytes)));
	close(fd);
	append(writer, 1, 1);
	assert_int_equal(recording_close(writer), -EPIPE);
}

static void recording_that_never_began_leaves_no_file(void **state)
{
	struct recording_writer *writer = create();

	(void)state;
	recording_writer_free(&writer);
	assert_int_equal(access(path, F_OK), -1);
	writer = create();
	assert_int_equal(recording_close(writer), 0);
	recording_writer_free(&writer);
	assert_holds(0, true);
}

#define FILE_TEST(name) cmocka_unit_test_teardown(name, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(what_was_written_comes_back),
		FILE_TEST(file_is_its_owners_alone),
		FILE_TEST(it_is_incomplete_until_it_is_closed),
		FILE_TEST(more_than_fits_into_memory_is_written_at_once),
		FILE_TEST(whole_runs_of_a_cut_file_are_read),
		FILE_TEST(closed_file_is_held_to_its_word),
		FILE_TEST(nonsense_is_refused),
		FILE_TEST(what_is_no_recording_is_refused),
		FILE_TEST(nothing_is_overwritten),
		FILE_TEST(what_cannot_be_written_is_said),
		FILE_TEST(limit_on_the_way_keeps_what_was_written),
		FILE_TEST(reader_of_a_pipe_may_go),
		FILE_TEST(recording_that_never_began_leaves_no_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
