/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scrapes a server on 127.0.0.1 over one kept-alive connection and says what a scrape took.
 *
 *	scrape_client PORT PID COUNT [HEADER...]
 *
 * One line of JSON: wall time of the best and of the median scrape, CPU time of process PID divided
 *by the scrapes (its clock, so all threads, what a garbage collector does meanwhile included), its
 *memory, body bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define SCRAPES_MAX 10000
#define WARM_UP_SCRAPES 20
#define READ_BYTES (256 * 1024)
#define TIMEOUT_SECONDS 10

struct connection {
	int fd;
	size_t read; /* bytes of data already handed out */
	size_t len;
	char data[READ_BYTES];
};

static int connect_local(int port)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return take_fd(fd);
}

static int fill(struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->data, sizeof(connection->data), 0);
	if (n < 0)
		return -errno;
	if (n == 0)
		return -ECONNRESET;
	connection->read = 0;
	connection->len = (size_t)n;
	return 0;
}

/* A line without its line end; at most size - 1 bytes of it. */
static int read_line(struct connection *connection, char *line, size_t size)
{
	size_t n = 0;

	for (;;) {
		if (connection->read == connection->len) {
			int r = fill(connection);
			if (r < 0)
				return r;
		}
		char c = connection->data[connection->read++];
		if (c == '\n')
			break;
		if (c != '\r' && n < size - 1)
			line[n++] = c;
	}
	line[n] = '\0';
	return 0;
}

static int skip(struct connection *connection, size_t n)
{
	while (n > 0) {
		if (connection->read == connection->len) {
			int r = fill(connection);
			if (r < 0)
				return r;
		}
		size_t have = connection->len - connection->read;
		size_t step = have < n ? have : n;
		connection->read += step;
		n -= step;
	}
	return 0;
}

static int skip_chunks(struct connection *connection, size_t *ret_bytes)
{
	char line[64];

	for (;;) {
		int r = read_line(connection, line, sizeof(line));
		if (r < 0)
			return r;
		size_t n = strtoul(line, NULL, 16);
		*ret_bytes += n;
		/* The line end behind each chunk, and behind the empty last one. */
		r = skip(connection, n + 2);
		if (r < 0 || n == 0)
			return r;
	}
}

static int read_response(struct connection *connection, size_t *ret_bytes)
{
	static const char length[] = "Content-Length:";
	bool chunked = false;
	size_t n = 0;
	char line[256];

	int r = read_line(connection, line, sizeof(line));
	if (r < 0)
		return r;
	if (!strstr(line, " 200"))
		return -EPROTO;
	do {
		r = read_line(connection, line, sizeof(line));
		if (strncasecmp(line, length, strlen(length)) == 0)
			n = strtoul(line + strlen(length), NULL, 10);
		chunked |= strcasecmp(line, "Transfer-Encoding: chunked") == 0;
	} while (r == 0 && line[0]);

	*ret_bytes = n;
	if (r < 0)
		return r;
	return chunked ? skip_chunks(connection, ret_bytes) : skip(connection, n);
}

static int scrape(struct connection *connection, const struct buf *request, size_t *ret_bytes)
{
	if (send(connection->fd, request->data, request->len, MSG_NOSIGNAL) !=
	    (ssize_t)request->len)
		return -EIO;
	return read_response(connection, ret_bytes);
}

/* Nanoseconds of every scrape go to ret_ns. */
static int scrape_all(struct connection *connection, const struct buf *request, size_t count,
		      uint64_t *ret_ns, size_t *ret_bytes)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t start_ns = clock_monotonic_ns();
		int r = scrape(connection, request, ret_bytes);
		if (r < 0)
			return r;
		ret_ns[i] = clock_monotonic_ns() - start_ns;
	}
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* A value in KiB of /proc/PID/status; 0 where there is none. */
static unsigned long status_kib(pid_t pid, const char *key)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) == 0)
			return strtoul(line + strlen(key), NULL, 10);
	}
	return 0;
}

static void report(pid_t pid, uint64_t *ns, size_t count, uint64_t cpu_ns, size_t bytes)
{
	qsort(ns, count, sizeof(*ns), compare_u64);
	(void)printf("{\"best_ms\": %.3f, \"median_ms\": %.3f, \"cpu_ms\": %.3f, "
		     "\"rss_mib\": %.1f, \"rss_max_mib\": %.1f, \"bytes\": %zu}\n",
		     (double)ns[0] / NS_PER_MS, (double)ns[count / 2] / NS_PER_MS,
		     (double)cpu_ns / NS_PER_MS / (double)count,
		     (double)status_kib(pid, "VmRSS:") / 1024,
		     (double)status_kib(pid, "VmHWM:") / 1024, bytes);
}

static int run(int port, pid_t pid, size_t count, const struct buf *request)
{
	static uint64_t ns[SCRAPES_MAX];
	static struct connection connection;
	_cleanup_close_ int fd = connect_local(port);
	clockid_t cpu_clock;
	size_t bytes = 0;

	if (fd < 0)
		return fd;
	connection.fd = fd;
	if (clock_getcpuclockid(pid, &cpu_clock) != 0)
		return -ESRCH;
	int r = scrape_all(&connection, request, WARM_UP_SCRAPES, ns, &bytes);
	if (r < 0)
		return r;

	uint64_t start_ns = clock_ns(cpu_clock);
	r = scrape_all(&connection, request, count, ns, &bytes);
	if (r < 0)
		return r;
	report(pid, ns, count, clock_ns(cpu_clock) - start_ns, bytes);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf request = {};

	if (argc < 4) {
		(void)fprintf(stderr, "usage: %s PORT PID COUNT [HEADER...]\n", argv[0]);
		return 2;
	}
	size_t count = strtoul(argv[3], NULL, 10);
	if (count < 1 || count > SCRAPES_MAX)
		return 2;

	buf_append_cstr(&request, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n");
	for (int i = 4; i < argc; i++)
		buf_printf(&request, "%s\r\n", argv[i]);
	buf_append_cstr(&request, "\r\n");

	int r = buf_error(&request);
	if (r == 0)
		r = run(atoi(argv[1]), (pid_t)atoi(argv[2]), count, &request);
	if (r < 0)
		(void)fprintf(stderr, "scrape_client: %s\n", strerror(-r));
	return r < 0;
}
