/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The bodies of scrapes being answered: rendered once, sent without a copy, used again. A reader
 * that takes its time holds one; there are BODIES_MAX, which bounds the memory that slow readers
 * can hold.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/gzip.h"

#define BODIES_MAX 16
#define BODIES_WARM 2 /* these keep their memory from one scrape to the next */

struct client;

struct body {
	struct buf plain;
	struct buf gzip;
	struct client *client; /* its reader; NULL = free */
	uint64_t turn;	       /* when it was taken */
	struct bodies *owner;
};

struct bodies {
	struct body items[BODIES_MAX];
	uint64_t turn;
	struct gzip gzip;
};

void bodies_init(struct bodies *bodies);
void bodies_free(struct bodies *bodies);
/* An empty body for that reader; NULL when all are taken. Give it back with body_release(). */
struct body *bodies_take(struct bodies *bodies, struct client *client);
/* The reader who has held its body the longest, when all are taken; otherwise NULL. */
struct client *bodies_slowest(const struct bodies *bodies);
/* A struct body *. */
void body_release(void *arg);
/* Compresses plain into gzip. 0 or -errno. */
int body_compress(struct body *body);
