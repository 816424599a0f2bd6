/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a registry's series did lately: their changes in steps of equal length, the oldest forgotten first.
 * For a view that wants to show the last minutes when it opens. A series that did not move costs nothing in
 * a step, one that did some 5 bytes; HISTORY_BYTES_MAX bounds them all. Pure: whoever calls has the clock.
 */
#include "metric/metric.h"

#define HISTORY_STEPS 180 /* with a step of 5 s: 15 minutes */
/* 1,000 tools that all run in every step take some 2.7 MB of it; 100 of them a tenth. */
#define HISTORY_BYTES_MAX ((size_t)3 << 20)

/* How a family is kept; flags. */
enum history_how {
	HISTORY_EACH = 0,	     /* each series */
	HISTORY_SUMMED = 1 << 0,     /* summed over its first label, which is the open one */
	HISTORY_NO_BUCKETS = 1 << 1, /* of a histogram only the sum */
};

struct history_family {
	size_t index; /* in the registry */
	unsigned how; /* enum history_how */
};

struct history;

/* Counts from the series as they are now. The registry outlives it. 0 or -ENOMEM. */
int history_new(const struct registry *registry, const struct history_family *families,
		size_t count, struct history **ret);
void history_free(struct history **owner);
/* A step is over: keeps what has changed since the last. time_ms: Unix time. Without memory the step is lost. */
void history_step(struct history *history, uint64_t time_ms);
/*
 * Appends members of a JSON object, without its braces:
 *	"families":[{"name":…,"type":…,"scale":…,"labels":[…],"bounds":[…]},…]
 *	"rows":[[family,"label value",…],…]	from row first_row on
 *	"steps":[[time_ms,[row,change],[row,sum,bucket,count,bucket,count,…],…],…]	those after after_ms
 * In the family's own units: `scale` digits behind the point; bounds are in base units, and the bucket behind the
 * last is +Inf. Of a gauge its value, not its change.
 */
void history_write(const struct history *history, uint64_t after_ms, size_t first_row,
		   struct buf *out);

/* Appends a family's series as they are: {"name":…,"series":[["label value",…,value],…]}, in base units. */
void registry_write_json(const struct registry *registry, size_t index, struct buf *out);
