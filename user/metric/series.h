/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The private side of metric.h: how families and series lie in memory. All text of a line but its
 * number is made once. A histogram's lines share their head, and all of its family's series share
 * what follows it up to the number, the only text in which the two formats differ:
 *
 *	runtime_tool_execute_seconds_bucket{tool_id="a",outcome="error",le=" | 0.005"}  | 17
 */
#include "metric/labels.h"
#include "metric/metric.h"
#include "metric/number.h"
#include "metric/table.h"

#define METRIC_FORMATS 2
#define BOUND_TEXT_BYTES 32

/* `0.005"} `: padded, so that it is copied with a constant length. */
struct bound_text {
	char text[BOUND_TEXT_BYTES];
	size_t bytes;
};

/* A family in a registry. */
struct metric {
	const struct family *family;
	struct registry *registry;
	const char *prefix;
	size_t labels;
	size_t buckets;				   /* finite bounds */
	struct label_set *open[METRIC_LABELS_MAX]; /* NULL where the label's set is closed */
	struct buf comments[METRIC_FORMATS];
	struct bound_text *bounds[METRIC_FORMATS]; /* histogram: buckets + 1, the last is +Inf */
	struct table index;			   /* key -> series */
	bool hidden;				   /* not printed */
	struct series *first;			   /* in creation order */
	struct series *last;
};

/* One of the samples in a bucket. */
struct exemplar {
	uint64_t value;
	uint64_t time_ns; /* Unix time; 0 = there is none */
	uint32_t labels_bytes;
	char labels[METRIC_EXEMPLAR_BYTES];
};

/* ` # {` labels `} ` value ` ` time */
#define EXEMPLAR_LINE_BYTES (METRIC_EXEMPLAR_BYTES + 2 * NUMBER_BYTES + 8)

struct series {
	struct metric *metric;
	struct series *next;
	uint64_t value;		    /* counter, gauge; histogram: observations */
	uint64_t sum;		    /* histogram */
	struct exemplar *exemplars; /* histogram: one a bucket and +Inf; NULL until the first */
	const char *head;
	const char *sum_head;
	const char *count_head;
	const char *key;
	uint32_t head_bytes;
	uint32_t sum_bytes;
	uint32_t count_bytes;
	uint32_t key_bytes;
	uint64_t buckets[]; /* histogram: observations in each, not cumulative; the texts follow */
};

struct registry {
	struct metric *metrics; /* owned, count */
	size_t count;
	struct label_set *sets; /* owned list */
	char *prefix;		/* owned */
	size_t lines;
	size_t line_bytes;     /* more than all lines need */
	size_t exemplar_bytes; /* and their exemplars */
};

/* A series at 0 whose values are valid; not yet in its family's list or index. NULL without memory.
 */
struct series *series_new(struct metric *metric, const char *const *values, const char *key,
			  size_t key_bytes);
/* Lines that it prints, and a bound on their bytes. */
size_t series_lines(const struct series *series);
size_t series_bytes_max(const struct series *series);
