/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int queue_init(struct queue *queue, size_t max)
{
	*queue = (struct queue){.max = max};
	queue->items = calloc(max, sizeof(*queue->items));
	queue->added_ns = calloc(max, sizeof(*queue->added_ns));
	queue->resources = calloc(max, sizeof(*queue->resources));
	return queue->items && queue->added_ns && queue->resources ? 0 : -ENOMEM;
}

void queue_free(struct queue *queue)
{
	queue_pop(queue, queue->count);
	free(queue->items);
	free(queue->added_ns);
	free(queue->resources);
	*queue = (struct queue){};
}

int queue_push(struct queue *queue, const void *bytes, size_t n, uint16_t resource, uint64_t now_ns)
{
	if (queue->count == queue->max)
		return -ENOSPC;

	uint8_t *copy = malloc(n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, bytes, n);
	size_t at = (queue->first + queue->count++) % queue->max;
	queue->items[at] = (struct otlp_bytes){copy, n};
	queue->added_ns[at] = now_ns;
	queue->resources[at] = resource;
	queue->bytes += n;
	return 0;
}

void queue_pop(struct queue *queue, size_t count)
{
	for (; count > 0; count--) {
		struct otlp_bytes *item = &queue->items[queue->first];

		queue->bytes -= item->n;
		free(item->data);
		*item = (struct otlp_bytes){};
		queue->first = (queue->first + 1) % queue->max;
		queue->count--;
	}
}

struct otlp_bytes queue_item(const struct queue *queue, size_t i)
{
	return queue->items[(queue->first + i) % queue->max];
}

uint16_t queue_resource(const struct queue *queue, size_t i)
{
	return queue->resources[(queue->first + i) % queue->max];
}

uint64_t queue_oldest_ns(const struct queue *queue)
{
	return queue->count ? queue->added_ns[queue->first] : 0;
}
