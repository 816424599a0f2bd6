/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on a connection to the server: request lines, headers, several requests. It answers or hangs up, what it
 * answers is HTTP, and the metrics are never part of an answer that was not asked for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "web/web.h"

#define TURNS_MAX 1000
#define TURN_MS 10
#define EXPOSITION "exposition\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct web *web;
static struct sockaddr_in address = {.sin_family = AF_INET};
static bool rendered;

static void check(bool good)
{
	if (!good)
		abort();
}

static int metrics(void *arg, enum metric_format format, struct buf *out)
{
	(void)arg;
	(void)format;
	rendered = true;
	buf_append_cstr(out, EXPOSITION);
	return 0;
}

static int live(void *arg, uint64_t after_ms, size_t first_row, struct buf *out)
{
	(void)arg;
	(void)after_ms;
	(void)first_row;
	(void)out;
	return 0;
}

static int lines(void *arg, struct buf *out)
{
	(void)arg;
	(void)out;
	return 0;
}

static bool good(void *arg, struct buf *reasons)
{
	(void)arg;
	(void)reasons;
	return true;
}

static void start(void)
{
	static const struct web_handlers handlers = {.metrics = metrics,
						     .live = live,
						     .runs = lines,
						     .spans = lines,
						     .healthy = good,
						     .ready = good};
	static const struct web_options options = {.host = "127.0.0.1", .port = "0"};
	_cleanup_buf_ struct buf message = {};

	check(web_start(&options, &handlers, &web, &message) == 0);
	const char *port = strrchr(web_address(web), ':');
	check(port && inet_pton(AF_INET, "127.0.0.1", &address.sin_addr) == 1);
	address.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
}

static int connection(void)
{
	/* Reset at the end: no port is left waiting. */
	const struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
	check(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* Lets the server work until it has hung up, which it must. */
static void read_answer(int fd, struct buf *answer)
{
	struct pollfd turn[] = {{.fd = fd, .events = POLLIN},
				{.fd = web_epoll_fd(web), .events = POLLIN}};
	char bytes[4096];
	int turns = 0;

	for (;;) {
		web_run(web);
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n > 0)
			buf_append(answer, bytes, (size_t)n);
		else if (n == 0 || errno != EAGAIN)
			return;
		else
			(void)poll(turn, ARRAY_SIZE(turn), TURN_MS);
		check(turns++ < TURNS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_buf_ struct buf answer = {};

	if (!web)
		start();
	rendered = false;
	_cleanup_close_ int fd = connection();
	/* What does not fit into the socket's buffers is not sent. */
	(void)send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	read_answer(fd, &answer);

	const char *text = buf_cstr(&answer);
	check(answer.len == 0 || strncmp(text, "HTTP/1.", strlen("HTTP/1.")) == 0);
	check(rendered || !strstr(text, EXPOSITION));
	return 0;
}
