/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose a run is, as labels on its series: those of namespace, pod and container that were asked for. Owners have
 * numbers; there are as many as an open label may have values, later ones become OWNER_OTHER.
 */
#include <stdint.h>

#include "identity/identity.h"
#include "metric/table.h"

/* X(enum suffix, member of struct identity and label) */
#define OWNER_LABELS(X)                                                                            \
	X(NAMESPACE, namespace)                                                                    \
	X(POD, pod)                                                                                \
	X(CONTAINER, container)

#define X(name, member) OWNER_##name,
enum owner_label { OWNER_LABELS(X) OWNER_LABEL_COUNT };
#undef X

extern const char *const owner_label_names[OWNER_LABEL_COUNT];

/* The first numbers. */
#define OWNER_UNKNOWN 0u /* in no pod, or without names yet */
#define OWNER_OTHER 1u

struct owner {
	const char
		*values[OWNER_LABEL_COUNT]; /* of the labels that were asked for, in their order */
	char text[];			    /* the values, each with its NUL */
};

struct owner_set {
	unsigned labels; /* bits 1u << enum owner_label */
	uint32_t max;
	uint32_t count;
	struct owner **owners; /* by number; owned */
	struct table by_text;  /* value: its place in owners */
	uint64_t overflows;
};

/* max: besides the first two. 0 or -ENOMEM; free it either way. */
int owner_set_init(struct owner_set *set, unsigned labels, uint32_t max);
void owner_set_free(struct owner_set *set);
/* Its number, for good. */
uint32_t owner_set_number(struct owner_set *set, const struct identity *identity);
/* Appends the values of its labels to values; how many. */
size_t owner_set_values(const struct owner_set *set, uint32_t number, const char **values);
