/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "call.h"
#include "spawn.h"
#include "streams.h"

#define FIRST_READ_BYTES 512 /* bytes.Buffer.ReadFrom starts like this and doubles */
#define STDERR_READ_BYTES 65536

static void close_all(int *fds)
{
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int pipes_open(struct pipes *pipes)
{
	*pipes = (struct pipes){.child = {-1, -1, -1}, .server = {-1, -1, -1}};
	for (int i = 0; i < 3; i++) {
		int ends[2];
		int server = i == 0 ? 1 : 0;

		if (pipe2(ends, O_CLOEXEC) < 0) {
			int r = -errno;

			close_all(pipes->child);
			close_all(pipes->server);
			return r;
		}
		fcntl(ends[server], F_SETFL, O_NONBLOCK);
		pipes->server[i] = ends[server];
		pipes->child[i] = ends[!server];
	}
	return 0;
}

void pipes_close_child(struct pipes *pipes)
{
	close_all(pipes->child);
}

void pipes_close_server(struct pipes *pipes)
{
	close_all(pipes->server);
}

static void wait_until(int fd, short events)
{
	struct pollfd pollfd = {.fd = fd, .events = events};

	(void)poll(&pollfd, 1, -1);
}

int stream_write(int fd, const char *data, size_t bytes, size_t chunk_bytes, uint64_t pause_us,
		 uint64_t *ret_written)
{
	size_t done = 0;
	int r = 0;

	while (done < bytes && r == 0) {
		size_t left = bytes - done;
		size_t step = chunk_bytes && chunk_bytes < left ? chunk_bytes : left;
		ssize_t n = write(fd, data + done, step);

		if (n >= 0) {
			done += (size_t)n;
			if (pause_us)
				usleep((useconds_t)pause_us);
		} else if (errno == EAGAIN) {
			wait_until(fd, POLLOUT);
		} else if (errno != EINTR) {
			r = -errno;
		}
	}
	*ret_written = done;
	return r;
}

static bool output_grow(struct output *output)
{
	size_t room = output->room ? output->room * 2 : FIRST_READ_BYTES;
	char *data;

	if (output->bytes < output->room)
		return true;
	data = realloc(output->data, room);
	if (!data)
		return false;
	output->data = data;
	output->room = room;
	return true;
}

int stream_read_all(int fd, size_t limit, bool fault, struct output *output)
{
	while (output->bytes < limit) {
		uint64_t before_ns = clock_ns();
		size_t want;
		ssize_t n;

		if (!output_grow(output))
			return -ENOMEM;
		want = output->room - output->bytes;
		if (want > limit - output->bytes)
			want = limit - output->bytes;
		n = read(fd, fault ? (void *)1 : output->data + output->bytes, want);
		if (n > 0) {
			output->bytes += (size_t)n;
		} else if (n == 0) {
			output->end_ns = before_ns;
			return 0;
		} else if (errno == EAGAIN) {
			wait_until(fd, POLLIN);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* As bufio.Scanner: bytes of a line are kept until its newline; true while there is room for more. */
static bool line_count(struct stderr_reader *reader, const char *data, size_t bytes)
{
	const char *newline = memrchr(data, '\n', bytes);

	reader->bytes += bytes;
	if (newline)
		reader->line_bytes = (size_t)(data + bytes - newline) - 1;
	else
		reader->line_bytes += bytes;
	return reader->line_bytes < STDERR_LINE_BYTES_MAX;
}

/* Returns false at the end, at a failure, or when there is nothing more now. */
static bool stderr_read(struct stderr_reader *reader)
{
	char data[STDERR_READ_BYTES];
	size_t room = STDERR_LINE_BYTES_MAX - reader->line_bytes;
	ssize_t n = read(reader->fd, data, room < sizeof(data) ? room : sizeof(data));

	if (n <= 0) {
		reader->failed |= n < 0 && errno != EAGAIN;
		return false;
	}
	if (line_count(reader, data, (size_t)n))
		return true;
	reader->failed = true;
	return false;
}

static void *stderr_reader_main(void *argument)
{
	struct stderr_reader *reader = argument;
	struct pollfd fds[2] = {
		{.fd = reader->fd, .events = POLLIN},
		{.fd = reader->stop_fd, .events = POLLIN},
	};
	bool more = true;

	while (more) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents)
			more = stderr_read(reader);
		else
			more = false;
	}
	return NULL;
}

int stderr_reader_start(struct stderr_reader *reader, int fd)
{
	*reader = (struct stderr_reader){.fd = fd, .stop_fd = eventfd(0, EFD_CLOEXEC)};
	if (reader->stop_fd < 0)
		return -errno;
	return -pthread_create(&reader->thread, NULL, stderr_reader_main, reader);
}

void stderr_reader_finish(struct stderr_reader *reader)
{
	uint64_t one = 1;

	(void)!write(reader->stop_fd, &one, sizeof(one));
	pthread_join(reader->thread, NULL);
	close(reader->stop_fd);
}
