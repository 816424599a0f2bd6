/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The open connections. There is always room for a newcomer: with CLIENTS_MAX open, the connection
 * that has been silent the longest is shut down, so that idle ones cannot keep a scraper out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define CLIENTS_MAX 128 /* a few scrapers, their reconnects, a person with a browser */
#define CLIENT_FIRST_NS (10 * NS_PER_SECOND)
#define CLIENT_PAUSE_NS (90 * NS_PER_SECOND) /* above the HTTP library's own limit for silence */
/* And those shut down that the HTTP library has not closed yet. */
#define CLIENT_SLOTS (CLIENTS_MAX + 32)

struct web;

struct client {
	int fd;		     /* borrowed; -1 = free slot */
	struct web *web;     /* the server whose it is: web.c's */
	bool shut;	     /* shut down, about to be closed */
	uint64_t last_heard; /* turn of its connect or last request */
	uint64_t waits_ns;   /* CLOCK_MONOTONIC: since then a request is due */
	bool has_asked;	     /* one request at least */
};

struct clients {
	struct client slots[CLIENT_SLOTS];
	size_t open; /* not counting those shut down */
	uint64_t turn;
};

void clients_init(struct clients *clients);
/* Makes room when needed. NULL when all slots are taken. */
struct client *clients_add(struct clients *clients, int fd, uint64_t now_ns);
void clients_remove(struct clients *clients, struct client *client);
/* It sent a request. */
void clients_heard(struct clients *clients, struct client *client, uint64_t now_ns);
/*
 * Ends those that take too long: the first request, with the handshake before it, is due at once; each later one
 * after a scraper's pause. A byte now and then does not prolong it.
 */
void clients_expire(struct clients *clients, uint64_t now_ns);
/* Ends the connection; the HTTP library notices and closes it in its next turn. */
void clients_shut(struct clients *clients, struct client *client);
