/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

#define NS_PER_US 1000u

/* name: a path, or behind @ an abstract name. -1 when it cannot be had: the agent serves all the same. */
static int notify_open(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = name ? strlen(name) : 0;

	if (n < 2 || n > sizeof(address.sun_path) || (*name != '/' && *name != '@'))
		return -1;
	memcpy(address.sun_path, name, n);
	if (*name == '@')
		address.sun_path[0] = '\0';
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, bytes) < 0)
		return -1;
	return take_fd(fd);
}

static void notify(const struct service *service, const char *text)
{
	if (service->fd >= 0)
		(void)send(service->fd, text, strlen(text), MSG_NOSIGNAL);
}

void service_init(struct service *service)
{
	const char *limit_us = getenv("WATCHDOG_USEC");

	*service = (struct service){.fd = notify_open(getenv("NOTIFY_SOCKET"))};
	/* Twice in the time that it allows. */
	if (limit_us && service->fd >= 0)
		service->period_ns = strtoull(limit_us, NULL, 10) * NS_PER_US / 2;
}

void service_free(struct service *service)
{
	cleanup_close(&service->fd);
	service->fd = -1;
}

void service_ready(const struct service *service)
{
	notify(service, "READY=1");
}

void service_reloading(const struct service *service, uint64_t now_ns)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)(now_ns / NS_PER_US));
	notify(service, text);
}

void service_stopping(const struct service *service)
{
	notify(service, "STOPPING=1");
}

void service_tick(struct service *service, uint64_t now_ns)
{
	if (service->period_ns == 0 || now_ns - service->last_ns < service->period_ns)
		return;
	service->last_ns = now_ns;
	notify(service, "WATCHDOG=1");
}
