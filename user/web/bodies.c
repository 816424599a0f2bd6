/* SPDX-License-Identifier: Apache-2.0 */
#include "web/bodies.h"

#include <malloc.h>

void bodies_init(struct bodies *bodies)
{
	*bodies = (struct bodies){};
	for (size_t i = 0; i < BODIES_MAX; i++)
		bodies->items[i].owner = bodies;
}

static void body_drop(struct body *body)
{
	buf_free(&body->plain);
	buf_free(&body->gzip);
}

void bodies_free(struct bodies *bodies)
{
	for (size_t i = 0; i < BODIES_MAX; i++)
		body_drop(&bodies->items[i]);
	gzip_free(&bodies->gzip);
}

struct body *bodies_take(struct bodies *bodies, struct client *client)
{
	for (size_t i = 0; i < BODIES_MAX; i++) {
		struct body *body = &bodies->items[i];

		if (body->client)
			continue;
		body->client = client;
		body->turn = ++bodies->turn;
		buf_clear(&body->plain);
		buf_clear(&body->gzip);
		return body;
	}
	return NULL;
}

struct client *bodies_slowest(const struct bodies *bodies)
{
	const struct body *slowest = &bodies->items[0];

	for (size_t i = 0; i < BODIES_MAX; i++) {
		const struct body *body = &bodies->items[i];

		if (!body->client)
			return NULL;
		if (body->turn < slowest->turn)
			slowest = body;
	}
	return slowest->client;
}

void body_release(void *arg)
{
	struct body *body = arg;

	body->client = NULL;
	if (body < body->owner->items + BODIES_WARM)
		return;
	body_drop(body);
	/* Otherwise the allocator may keep what a crowd of slow readers needed for good. */
	(void)malloc_trim(0);
}

int body_compress(struct body *body)
{
	return gzip_compress(&body->owner->gzip, &body->plain, &body->gzip);
}
