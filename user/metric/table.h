/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash table from byte strings to items. Owns neither: an item usually holds its own key.
 * Nothing is ever taken out, so whoever fills it bounds it.
 */
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	const void *key;
	void *item; /* NULL = free slot */
	uint32_t key_bytes;
	uint32_t hash;
};

struct table {
	struct table_slot *slots; /* owned */
	size_t capacity;	  /* 0 or a power of two */
	size_t count;
};

void table_free(struct table *table);
/* The item under that key, or NULL. */
void *table_get(const struct table *table, const void *key, size_t n);
/* Adds an item under a key that is not there yet; key must live as long as the table. 0 or -ENOMEM.
 */
int table_put(struct table *table, const void *key, size_t n, void *item);
