/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/owner.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "metric/metric.h"

#define VALUE_UNKNOWN "unknown"
#define TEXT_BYTES (OWNER_LABEL_COUNT * (K8S_NAME_BYTES + 1))

#define X(name, member) #member,
const char *const owner_label_names[OWNER_LABEL_COUNT] = {OWNER_LABELS(X)};
#undef X

#define X(name, member) offsetof(struct identity, member),
static const size_t members[OWNER_LABEL_COUNT] = {OWNER_LABELS(X)};
#undef X

/* The values of the labels that were asked for, each with its NUL. Their length. */
static size_t write_text(const struct owner_set *set, const struct identity *identity,
			 const char *value, char text[TEXT_BYTES])
{
	char *end = text;

	for (size_t i = 0; i < OWNER_LABEL_COUNT; i++) {
		const char *own = (const char *)identity + members[i];

		if (set->labels & 1u << i)
			end = stpcpy(end, *own ? own : value) + 1;
	}
	return (size_t)(end - text);
}

static int add(struct owner_set *set, const char *text, size_t n)
{
	struct owner *owner = malloc(sizeof(*owner) + n);
	char *at;

	if (!owner)
		return -ENOMEM;
	memcpy(owner->text, text, n);
	at = owner->text;
	for (size_t i = 0; at < owner->text + n; i++, at += strlen(at) + 1)
		owner->values[i] = at;
	if (table_put(&set->by_text, owner->text, n, &set->owners[set->count]) < 0) {
		free(owner);
		return -ENOMEM;
	}
	set->owners[set->count++] = owner;
	return 0;
}

int owner_set_init(struct owner_set *set, unsigned labels, uint32_t max)
{
	static const struct identity nobody;
	char text[TEXT_BYTES];

	*set = (struct owner_set){.labels = labels, .max = max + OWNER_OTHER + 1};
	if (!labels)
		return 0;
	set->owners = calloc(set->max, sizeof(struct owner *));
	if (!set->owners)
		return -ENOMEM;
	int r = add(set, text, write_text(set, &nobody, VALUE_UNKNOWN, text));
	if (r == 0)
		r = add(set, text, write_text(set, &nobody, METRIC_VALUE_OTHER, text));
	return r;
}

void owner_set_free(struct owner_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->owners[i]);
	free(set->owners);
	table_free(&set->by_text);
	*set = (struct owner_set){};
}

uint32_t owner_set_number(struct owner_set *set, const struct identity *identity)
{
	char text[TEXT_BYTES];

	if (!set->labels)
		return OWNER_UNKNOWN;
	size_t n = write_text(set, identity, VALUE_UNKNOWN, text);
	struct owner **known = table_get(&set->by_text, text, n);
	if (known)
		return (uint32_t)(known - set->owners);
	if (set->count < set->max && add(set, text, n) == 0)
		return set->count - 1;
	set->overflows++;
	return OWNER_OTHER;
}

size_t owner_set_values(const struct owner_set *set, uint32_t number, const char **values)
{
	size_t n = 0;

	for (size_t i = 0; i < OWNER_LABEL_COUNT; i++) {
		if (set->labels & 1u << i) {
			values[n] = set->owners[number]->values[n];
			n++;
		}
	}
	return n;
}
