/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A server for one client in the same thread: it says what it was told to say, whatever it was asked. */
#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/http.h"

#define SERVER_ASKED_BYTES 65536

struct server {
	const char *answer;
	size_t answer_bytes;
	bool stays_open; /* after the answer */
	int listening;
	int connection; /* -1 = none */
	char url[64];
	char asked[SERVER_ASKED_BYTES]; /* all requests, NUL-terminated */
	size_t asked_bytes;
};

static void server_start(struct server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(address);

	server->connection = -1;
	server->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(server->listening >= 0);
	assert(bind(server->listening, (struct sockaddr *)&address, n) == 0);
	assert(listen(server->listening, 4) == 0);
	assert(getsockname(server->listening, (struct sockaddr *)&address, &n) == 0);
	(void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/x",
		       ntohs(address.sin_port));
}

static void server_hang_up(struct server *server)
{
	if (server->connection >= 0)
		(void)close(server->connection);
	server->connection = -1;
}

static void server_stop(struct server *server)
{
	server_hang_up(server);
	(void)close(server->listening);
}

static bool server_asked_all(const struct server *server)
{
	const char *head = strstr(server->asked, "\r\n\r\n");
	const char *length = strstr(server->asked, "Content-Length: ");
	size_t body = 0;

	if (!head)
		return false;
	if (length)
		(void)sscanf(length, "Content-Length: %zu", &body);
	return server->asked_bytes >= (size_t)(head + 4 - server->asked) + body;
}

static void server_read(struct server *server)
{
	ssize_t n = read(server->connection, server->asked + server->asked_bytes,
			 sizeof(server->asked) - 1 - server->asked_bytes);

	if (n <= 0) {
		server_hang_up(server);
		return;
	}
	server->asked_bytes += (size_t)n;
	if (!server_asked_all(server) || !server->answer)
		return;
	(void)!send(server->connection, server->answer, server->answer_bytes, MSG_NOSIGNAL);
	if (!server->stays_open)
		server_hang_up(server);
}

/* Until *done; a test that hangs is ended by its limit, loudly. */
static void server_run(struct server *server, struct http *http, const bool *done)
{
	while (!*done) {
		struct pollfd fds[] = {
			{.fd = http_fd(http), .events = POLLIN},
			{.fd = server->listening, .events = POLLIN},
			{.fd = server->connection, .events = POLLIN},
		};
		int n = poll(fds, 3, 10000);

		assert(n > 0);
		if (fds[0].revents)
			http_run(http);
		if (fds[1].revents) {
			server_hang_up(server);
			server->connection = accept(server->listening, NULL, NULL);
		} else if (fds[2].revents) {
			server_read(server);
		}
	}
}
