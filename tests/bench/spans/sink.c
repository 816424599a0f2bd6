/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/spans/sink.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD_BYTES 8192
#define BODY_BYTES 65536
#define LENGTH "Content-Length: "

static void check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* Reads until the head is whole. Bytes read, 0 at the end of the connection. */
static size_t read_head(int fd, char *head)
{
	size_t n = 0;

	while (n < HEAD_BYTES - 1) {
		ssize_t more = read(fd, head + n, HEAD_BYTES - 1 - n);

		if (more <= 0)
			return 0;
		n += (size_t)more;
		head[n] = '\0';
		if (strstr(head, "\r\n\r\n"))
			return n;
	}
	return 0;
}

static bool answer_one(int fd, volatile uint64_t *bytes)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	static char head[HEAD_BYTES], body[BODY_BYTES];
	size_t n = read_head(fd, head);
	const char *length = n ? strstr(head, LENGTH) : NULL;

	if (!length)
		return false;
	size_t left = strtoul(length + strlen(LENGTH), NULL, 10);
	*bytes += left;
	left -= n - (size_t)(strstr(head, "\r\n\r\n") + 4 - head);
	while (left > 0) {
		ssize_t more = read(fd, body, left < BODY_BYTES ? left : BODY_BYTES);

		if (more <= 0)
			return false;
		left -= (size_t)more;
	}
	return write(fd, answer, strlen(answer)) == (ssize_t)strlen(answer);
}

static void serve(int listening, volatile uint64_t *bytes)
{
	for (;;) {
		int fd = accept(listening, NULL, NULL);

		while (fd >= 0 && answer_one(fd, bytes))
			;
		if (fd >= 0)
			(void)close(fd);
	}
}

void sink_start(struct sink *sink)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0 && bind(fd, (struct sockaddr *)&address, n) == 0 && listen(fd, 8) == 0 &&
		      getsockname(fd, (struct sockaddr *)&address, &n) == 0,
	      "sink");
	(void)snprintf(sink->url, sizeof(sink->url), "http://127.0.0.1:%u/v1/traces",
		       ntohs(address.sin_port));
	sink->bytes = mmap(NULL, sizeof(*sink->bytes), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(sink->bytes != MAP_FAILED, "mmap");
	sink->pid = fork();
	check(sink->pid >= 0, "fork");
	if (sink->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, sink->bytes);
	}
	(void)close(fd);
}

void sink_stop(struct sink *sink)
{
	(void)kill(sink->pid, SIGKILL);
	(void)waitpid(sink->pid, NULL, 0);
}
