/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metric families and their series, and their text exposition. Knows nothing about runs.
 *
 * All values are unsigned integers in the family's own unit (ns, bytes, 1); a family's `scale`
 * says how many decimal digits stand behind the point when they are printed in its base unit
 * (9: kept in nanoseconds, printed in seconds). So sums are exact and printing needs no floats.
 *
 * What a series prints besides its number never changes: it is made once, when the series is.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define METRIC_LABELS_MAX 8    /* labels a family may have */
#define METRIC_BUCKETS_MAX 24  /* finite buckets a histogram may have */
#define METRIC_LABEL_BYTES 128 /* longest label value */
#define METRIC_EXEMPLAR_BYTES                                                                      \
	96 /* longest label set of an exemplar; OpenMetrics allows 128 characters */
#define METRIC_VALUE_OTHER "_other"
#define METRIC_VALUE_INVALID "_invalid"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum metric_format {
	METRIC_FORMAT_TEXT,	   /* Prometheus text format 0.0.4 */
	METRIC_FORMAT_OPENMETRICS, /* OpenMetrics 1.0.0 */
};

/*
 * One family. Static and const: the registry keeps the pointer. The name is the one of text 0.0.4,
 * a counter's with _total; before that it ends with the unit. An open label (its bit in `bounded`)
 * has values that come from outside: they share one bounded table with the same label elsewhere.
 */
struct family {
	const char *name;
	enum metric_type type;
	const char *unit; /* "seconds", "bytes"; "" or NULL = none */
	const char *help;
	unsigned scale; /* decimal digits behind the point */
	bool own;	/* the agent's or process_*: never gets --metrics.prefix */
	const char *labels[METRIC_LABELS_MAX]; /* NULL-terminated unless full */
	uint32_t bounded;		       /* bit i: label i is open */
	/* Histogram: finite upper bounds in the family's own unit, ascending, 0 = end. */
	uint64_t buckets[METRIC_BUCKETS_MAX];
};

struct series;
struct registry;

/*
 * A registry of `count` families, printed in that order. `prefix` goes before names that are not
 * `own`. `max_label_values` bounds each open label; `_other` and `_invalid` do not count.
 * 0 or -errno, -EINVAL for a prefix or family that would not make legal names; free with
 * registry_free().
 */
int registry_new(const struct family *families, size_t count, const char *prefix,
		 unsigned max_label_values, struct registry **ret);
void registry_free(struct registry **registry);

/*
 * The canonical form of a value of an open label: itself; `_other` when the label's table is full
 * (counted); `_invalid` when empty, longer than METRIC_LABEL_BYTES, not UTF-8 or holding NUL.
 * Lives as long as the registry. Ask once a run and pass on what comes back: a value that is
 * turned away is counted at each call.
 */
const char *registry_label_value(struct registry *registry, const char *label, const char *value,
				 size_t n);
/*
 * The same, for looking at what will be counted later: a new value takes its place, so that it is the same label then,
 * and one that is turned away is not counted.
 */
const char *registry_label_peek(struct registry *registry, const char *label, const char *value,
				size_t n);
/*
 * The program's own word among the values of an open label: it has a place, which none of the others loses by it, from the
 * start on. So it does not depend on when somebody looked which of the others have series. -ENOMEM.
 */
int registry_label_own(struct registry *registry, const char *label, const char *value);
/* How often a value of that open label became `_other`. */
uint64_t registry_overflows(const struct registry *registry, const char *label);

/*
 * The series of family `index` with these label values: C strings, one a label of the family. Open
 * ones are made canonical first; closed ones may be empty, but are held to the same rules
 * otherwise. Made on first use, at 0; never freed before the registry. NULL only without memory.
 */
struct series *registry_series(struct registry *registry, size_t index, const char *const *values);

/* Counter. */
void series_add(struct series *series, uint64_t n);
/* Gauge, or a counter kept elsewhere (never going down). */
void series_set(struct series *series, uint64_t value);
/* Histogram: one sample. */
void series_observe(struct series *series, uint64_t value);
/*
 * Histogram: the example of the bucket that value falls into, until the next one; printed in OpenMetrics only.
 * labels: `a="x",b="y"` of METRIC_EXEMPLAR_BYTES at most, escaped by the caller. time_ns: Unix time.
 */
void series_exemplar(struct series *series, uint64_t value, const char *labels, uint64_t time_ns);
/* Counter or gauge: its value. Histogram: its samples. */
uint64_t series_value(const struct series *series);
/* Sets every series of a gauge family to 0: before a walk that sets those that are not. */
void registry_zero(struct registry *registry, size_t index);
/*
 * Removes every series of a gauge family, before those that are still so are made anew. Of one that nothing else
 * holds on to: neither a pointer to a series nor a history.
 */
void registry_clear(struct registry *registry, size_t index);
/* Leaves a family out of the exposition: where it has nothing to say. */
void registry_hide(struct registry *registry, size_t index);
/* Lines that a scrape prints without comments. */
size_t registry_lines(const struct registry *registry);

/*
 * Appends the whole exposition. Errors stay in the buffer. Reserves more than it fills; keep the
 * buffer from scrape to scrape, fresh pages cost more than the text in them.
 */
void registry_write(const struct registry *registry, enum metric_format format, struct buf *out);
