/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "metric/metric.h"

struct label_set *label_set_new(const char *name, size_t limit)
{
	struct label_set *set = calloc(1, sizeof(*set));

	if (set) {
		set->name = name;
		set->limit = limit;
	}
	return set;
}

void label_set_free(struct label_set **set)
{
	if (!*set)
		return;
	for (size_t i = 0; i < (*set)->values.capacity; i++)
		free((*set)->values.slots[i].item);
	table_free(&(*set)->values);
	free(*set);
	*set = NULL;
}

bool label_value_valid(const char *value, size_t n)
{
	return n <= METRIC_LABEL_BYTES && utf8_valid(value, n);
}

static const char *add_value(struct label_set *set, const char *value, size_t n)
{
	if (set->values.count >= set->limit)
		return NULL;

	char *copy = strndup(value, n);
	if (!copy)
		return NULL;
	if (table_put(&set->values, copy, n, copy) < 0) {
		free(copy);
		return NULL;
	}
	return copy;
}

static bool equals(const char *value, size_t n, const char *cstr)
{
	return n == strlen(cstr) && memcmp(value, cstr, n) == 0;
}

const char *label_set_peek(struct label_set *set, const char *value, size_t n)
{
	if (n == 0 || !label_value_valid(value, n) || equals(value, n, METRIC_VALUE_INVALID))
		return METRIC_VALUE_INVALID;
	if (equals(value, n, METRIC_VALUE_OTHER))
		return METRIC_VALUE_OTHER;

	const char *known = table_get(&set->values, value, n);
	if (!known)
		known = add_value(set, value, n);
	return known ? known : METRIC_VALUE_OTHER;
}

const char *label_set_value(struct label_set *set, const char *value, size_t n)
{
	const char *canonical = label_set_peek(set, value, n);

	if (strcmp(canonical, METRIC_VALUE_OTHER) == 0 && !equals(value, n, METRIC_VALUE_OTHER))
		set->overflows++;
	return canonical;
}

int label_set_own(struct label_set *set, const char *value)
{
	set->limit++;
	return add_value(set, value, strlen(value)) ? 0 : -ENOMEM;
}
