/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the queued spans come from, encoded once for all that share it: the agent's own resource, and behind it the
 * container and pod of each. Pure.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Containers that queued spans come from at once; a kubelet takes 110 pods by default. */
#define RESOURCES_MAX 256
#define RESOURCE_OWN 0 /* the agent's, without a container */

struct resource {
	struct buf encoded;
	size_t spans; /* that hold it; 0 = this place is free */
};

struct resources {
	struct resource items[RESOURCES_MAX];
	size_t own_bytes; /* with which each begins */
};

/* own: the agent's, encoded; copied. 0 or -ENOMEM. */
int resources_init(struct resources *resources, const struct buf *own);
void resources_free(struct resources *resources); /* what is all zero, too */
/* The resource of one more span, owner encoded; RESOURCE_OWN where it is empty, or there is no room. */
uint16_t resources_take(struct resources *resources, const struct buf *owner);
void resources_give(struct resources *resources, uint16_t index);
