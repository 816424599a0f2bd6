/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST_SLOTS 8

/* FNV-1a: keys are short and their number is bounded, so nobody gains by colliding. */
static uint32_t hash_bytes(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * 16777619u;
	return hash;
}

void table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table){};
}

void *table_get(const struct table *table, const void *key, size_t n)
{
	if (table->capacity == 0)
		return NULL;

	uint32_t hash = hash_bytes(key, n);
	size_t mask = table->capacity - 1;
	for (size_t i = hash & mask; table->slots[i].item; i = (i + 1) & mask) {
		const struct table_slot *slot = &table->slots[i];
		if (slot->hash == hash && slot->key_bytes == n && !memcmp(slot->key, key, n))
			return slot->item;
	}
	return NULL;
}

static void insert(struct table_slot *slots, size_t capacity, struct table_slot slot)
{
	size_t mask = capacity - 1;
	size_t i = slot.hash & mask;

	while (slots[i].item)
		i = (i + 1) & mask;
	slots[i] = slot;
}

static int grow(struct table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : TABLE_FIRST_SLOTS;
	struct table_slot *slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;

	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].item)
			insert(slots, capacity, table->slots[i]);
	}
	free(table->slots);
	table->slots = slots;
	table->capacity = capacity;
	return 0;
}

int table_put(struct table *table, const void *key, size_t n, void *item)
{
	struct table_slot slot = {
		.key = key,
		.item = item,
		.key_bytes = (uint32_t)n,
		.hash = hash_bytes(key, n),
	};

	/* At most half full: a search ends after a step or two. */
	if (table->count * 2 >= table->capacity && grow(table) < 0)
		return -ENOMEM;
	insert(table->slots, table->capacity, slot);
	table->count++;
	return 0;
}
