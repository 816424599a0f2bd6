/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/resources.h"

#include <stdbool.h>
#include <string.h>

int resources_init(struct resources *resources, const struct buf *own)
{
	struct resource *first = &resources->items[RESOURCE_OWN];

	buf_append(&first->encoded, own->data, own->len);
	resources->own_bytes = own->len;
	return buf_error(&first->encoded);
}

void resources_free(struct resources *resources)
{
	for (size_t i = 0; i < RESOURCES_MAX; i++)
		buf_free(&resources->items[i].encoded);
}

static bool is_of(const struct resources *resources, const struct resource *resource,
		  const struct buf *owner)
{
	return resource->spans && resource->encoded.len == resources->own_bytes + owner->len &&
	       memcmp(resource->encoded.data + resources->own_bytes, owner->data, owner->len) == 0;
}

/* Two encoded messages, one behind the other, are one that has what both have. */
static bool fill(struct resources *resources, struct resource *resource, const struct buf *owner)
{
	const struct buf *own = &resources->items[RESOURCE_OWN].encoded;

	buf_clear(&resource->encoded);
	buf_append(&resource->encoded, own->data, own->len);
	buf_append(&resource->encoded, owner->data, owner->len);
	return buf_error(&resource->encoded) == 0;
}

static uint16_t find(struct resources *resources, const struct buf *owner)
{
	uint16_t place = RESOURCE_OWN;

	if (owner->len == 0)
		return RESOURCE_OWN;
	for (uint16_t i = RESOURCE_OWN + 1; i < RESOURCES_MAX; i++) {
		if (is_of(resources, &resources->items[i], owner))
			return i;
		if (!resources->items[i].spans && place == RESOURCE_OWN)
			place = i;
	}
	if (place == RESOURCE_OWN || !fill(resources, &resources->items[place], owner))
		return RESOURCE_OWN;
	return place;
}

uint16_t resources_take(struct resources *resources, const struct buf *owner)
{
	uint16_t index = find(resources, owner);

	resources->items[index].spans++;
	return index;
}

void resources_give(struct resources *resources, uint16_t index)
{
	resources->items[index].spans--;
}
