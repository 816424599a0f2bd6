/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The text of `bunscope top`, for a terminal of any size or for a pipe. Pure. */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "top/rows.h"

enum top_column {
	TOP_TOOL,
	TOP_RUNS,
	TOP_RATE,
	TOP_IN_FLIGHT,
	TOP_ERRORS,
	TOP_TIMEOUTS,
	TOP_P50,
	TOP_P95,
	TOP_P99,
	TOP_CPU,
	TOP_RSS,
	TOP_COLUMNS,
};

struct top_screen {
	size_t width;  /* columns of the terminal; 0: as wide as it needs to be */
	size_t height; /* lines; 0: all rows */
	enum top_column sort;
	bool reversed;	     /* ascending; names: descending */
	size_t first;	     /* row on top, of those sorted */
	const char *agent;   /* where the numbers come from */
	const char *trouble; /* why these are old; NULL */
};

/* Sorts the rows, keeps screen->first within them, and appends lines: a head, the columns' names, the tools, the keys. */
void top_screen_write(struct top_screen *screen, struct top_rows *rows, struct buf *out);
