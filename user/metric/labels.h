/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The values of one label whose set is open: first come up to a limit, later ones are `_other`. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metric/table.h"

struct label_set {
	struct label_set *next;
	const char *name;
	size_t limit;
	uint64_t overflows; /* values turned away */
	struct table values;
};

/* An empty set; frees nothing of the list behind it. NULL without memory. */
struct label_set *label_set_new(const char *name, size_t limit);
void label_set_free(struct label_set **set);
/* The canonical form of a value, see registry_label_value(); a full table or no memory gives
 * `_other`. */
const char *label_set_value(struct label_set *set, const char *value, size_t n);
/* The same, but one that is turned away is not counted. */
const char *label_set_peek(struct label_set *set, const char *value, size_t n);
/* See registry_label_own(). */
int label_set_own(struct label_set *set, const char *value);

/* What may stand between the quotes once it is escaped. */
bool label_value_valid(const char *value, size_t n);
