/* SPDX-License-Identifier: Apache-2.0 */
#include "web/clients.h"

#include <sys/socket.h>

void clients_init(struct clients *clients)
{
	*clients = (struct clients){};
	for (size_t i = 0; i < CLIENT_SLOTS; i++)
		clients->slots[i].fd = -1;
}

static struct client *free_slot(struct clients *clients)
{
	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		if (clients->slots[i].fd < 0)
			return &clients->slots[i];
	}
	return NULL;
}

static struct client *most_silent(struct clients *clients)
{
	struct client *found = NULL;

	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		struct client *client = &clients->slots[i];

		if (client->fd < 0 || client->shut)
			continue;
		if (!found || client->last_heard < found->last_heard)
			found = client;
	}
	return found;
}

struct client *clients_add(struct clients *clients, int fd, uint64_t now_ns)
{
	struct client *client = free_slot(clients);

	if (!client)
		return NULL;
	if (clients->open == CLIENTS_MAX)
		clients_shut(clients, most_silent(clients));
	*client = (struct client){.fd = fd, .last_heard = ++clients->turn, .waits_ns = now_ns};
	clients->open++;
	return client;
}

void clients_remove(struct clients *clients, struct client *client)
{
	if (!client->shut)
		clients->open--;
	*client = (struct client){.fd = -1};
}

void clients_heard(struct clients *clients, struct client *client, uint64_t now_ns)
{
	client->last_heard = ++clients->turn;
	client->waits_ns = now_ns;
	client->has_asked = true;
}

void clients_expire(struct clients *clients, uint64_t now_ns)
{
	for (size_t i = 0; i < CLIENT_SLOTS; i++) {
		struct client *client = &clients->slots[i];
		uint64_t limit_ns = client->has_asked ? CLIENT_PAUSE_NS : CLIENT_FIRST_NS;

		if (client->fd >= 0 && now_ns - client->waits_ns > limit_ns)
			clients_shut(clients, client);
	}
}

void clients_shut(struct clients *clients, struct client *client)
{
	/* A reset: what it has not read would outlive the close in the kernel. */
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (client->shut)
		return;
	(void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)shutdown(client->fd, SHUT_RDWR);
	client->shut = true;
	clients->open--;
}
