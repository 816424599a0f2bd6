/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What `bunscope top` shows, out of what an agent answers at /api/live (sink/view.h). Pure. */
#include <stddef.h>

#include "base/buf.h"

#define TOP_TOOL_BYTES 128  /* METRIC_LABEL_BYTES */
#define TOP_TOOLS_MAX 10002 /* --metrics.max-label-values, _other and _invalid */
#define TOP_RATE_MS 60000.0 /* what a rate looks back */

/* Of the minutes that the agent remembers. NAN: there is nothing to say. */
struct top_row {
	char tool[TOP_TOOL_BYTES + 1];
	double runs;
	double rate; /* a second, of the last minute */
	double in_flight;
	double errors;
	double timeouts;
	double p50_seconds;
	double p95_seconds;
	double p99_seconds;
	double cpu_seconds; /* mean of a run */
	double rss_bytes;   /* mean of a run */
};

struct top_rows {
	struct top_row *rows; /* owned */
	size_t count;
	double minutes; /* that the agent remembers */
	double lost;
	double oldest_seconds; /* run under way */
	double zombies;
};

#define _cleanup_top_rows_ __attribute__((cleanup(top_rows_free)))

/* 0; -EINVAL: this is no such answer; -ENOMEM. */
int top_rows_read(const void *json, size_t n, struct top_rows *ret);
void top_rows_free(struct top_rows *rows);
