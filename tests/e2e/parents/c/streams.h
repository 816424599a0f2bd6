/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The server's side of a child's three pipes: non-blocking, with poll where Go has its poller. */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipes {
	int child[3];  /* ends for the child */
	int server[3]; /* ends of the server's, non-blocking */
};

/* Returns 0 or -errno; all ends are close-on-exec. */
int pipes_open(struct pipes *pipes);
void pipes_close_child(struct pipes *pipes);
void pipes_close_server(struct pipes *pipes);

/* Writes until done or the pipe fails. Returns 0 or -errno, and how many bytes went in. */
int stream_write(int fd, const char *data, size_t bytes, size_t chunk_bytes, uint64_t pause_us,
		 uint64_t *ret_written);

struct output {
	char *data;
	size_t bytes;
	size_t room;
	uint64_t end_ns; /* just before the read that returned 0; 0 = did not happen */
};

/* Reads to the end, or limit bytes. Returns 0 or -errno. fault makes the read fail with EFAULT once data is there. */
int stream_read_all(int fd, size_t limit, bool fault, struct output *output);

/* A thread that reads stderr line by line and gives up at a line that is too long. */
struct stderr_reader {
	pthread_t thread;
	int fd;
	int stop_fd; /* eventfd: read what is there, then end */
	uint64_t bytes;
	size_t line_bytes;
	bool failed;
};

int stderr_reader_start(struct stderr_reader *reader, int fd);
void stderr_reader_finish(struct stderr_reader *reader);
