/* SPDX-License-Identifier: Apache-2.0 */
#include "web/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* Three times a scraper's usual patience. */
#define READER_TIMEOUT_MS 30000

static void cleanup_addrinfo(struct addrinfo **info)
{
	if (*info)
		freeaddrinfo(*info);
}

static int resolve(const char *host, const char *port, int family, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};

	switch (getaddrinfo(*host ? host : NULL, port, &hints, ret)) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return -errno;
	default:
		return -EADDRNOTAVAIL;
	}
}

static int set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		return -errno;
	return 0;
}

static int listen_on(const struct addrinfo *info, bool dual, int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd < 0)
		return -errno;
	/* A restarted agent takes the port back although old connections linger in TIME_WAIT. */
	r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && info->ai_family == AF_INET6)
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !dual);
	if (r < 0)
		return r;
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0)
		return -errno;
	/* Connections inherit it: a reader that stopped does not pin a whole scrape in kernel
	 * memory. */
	r = set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, READER_TIMEOUT_MS);
	if (r < 0)
		return r;
	/* The deepest queue there is: while a flood is turned away a scraper waits in it, not for a
	 * SYN retry. */
	if (listen(fd, SOMAXCONN) < 0)
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

static bool family_missing(int r)
{
	return r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT;
}

int listen_open(const char *host, const char *port, int *ret_fd)
{
	/* All addresses: one IPv6 socket takes IPv4 too. A name with both: IPv4, as scrapers are
	 * configured. */
	static const int families[2][2] = {{AF_INET, AF_INET6}, {AF_INET6, AF_INET}};
	bool dual = !*host;
	int r = -EADDRNOTAVAIL;

	for (int i = 0; i < 2 && family_missing(r); i++) {
		_cleanup_(cleanup_addrinfo) struct addrinfo *info = NULL;

		r = resolve(host, port, families[dual][i], &info);
		if (r == 0)
			r = listen_on(info, dual, ret_fd);
	}
	return r;
}

int listen_address(int fd, char text[LISTEN_ADDRESS_BYTES])
{
	struct sockaddr_storage address = {};
	socklen_t n = sizeof(address);
	char host[LISTEN_ADDRESS_BYTES - sizeof("[]:65535") + 1];
	char port[sizeof("65535")];

	if (getsockname(fd, (struct sockaddr *)&address, &n) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&address, n, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -EINVAL;
	(void)snprintf(text, LISTEN_ADDRESS_BYTES,
		       address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}
