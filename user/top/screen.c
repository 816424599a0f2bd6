/* SPDX-License-Identifier: Apache-2.0 */
#include "top/screen.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/plain.h"

#define TOOL_WIDTH_MIN 8 /* narrower, and no other column has a place */
#define TOOL_WIDTH_MAX 48
#define LINES_AROUND 3 /* the head, the columns' names, the keys */
#define CELL_BYTES 24
#define LINE_BYTES 512

enum unit { UNIT_COUNT, UNIT_RATE, UNIT_SECONDS, UNIT_BYTES };

static const struct column {
	const char *title;
	size_t offset; /* of a double in struct top_row */
	enum unit unit;
	unsigned width;
	unsigned rank; /* the higher, the sooner it gives way in a narrow terminal */
} columns[TOP_COLUMNS] = {
	[TOP_TOOL] = {"TOOL", 0, 0, 0, 0},
	[TOP_RUNS] = {"RUNS", offsetof(struct top_row, runs), UNIT_COUNT, 8, 1},
	[TOP_RATE] = {"RUN/S", offsetof(struct top_row, rate), UNIT_RATE, 7, 5},
	[TOP_IN_FLIGHT] = {"NOW", offsetof(struct top_row, in_flight), UNIT_COUNT, 6, 4},
	[TOP_ERRORS] = {"ERROR", offsetof(struct top_row, errors), UNIT_COUNT, 7, 2},
	[TOP_TIMEOUTS] = {"TIMEOUT", offsetof(struct top_row, timeouts), UNIT_COUNT, 8, 6},
	[TOP_P50] = {"P50", offsetof(struct top_row, p50_seconds), UNIT_SECONDS, 9, 7},
	[TOP_P95] = {"P95", offsetof(struct top_row, p95_seconds), UNIT_SECONDS, 9, 3},
	[TOP_P99] = {"P99", offsetof(struct top_row, p99_seconds), UNIT_SECONDS, 9, 8},
	[TOP_CPU] = {"CPU/RUN", offsetof(struct top_row, cpu_seconds), UNIT_SECONDS, 9, 9},
	[TOP_RSS] = {"MEM/RUN", offsetof(struct top_row, rss_bytes), UNIT_BYTES, 9, 10},
};

static double value_of(const struct top_row *row, enum top_column column)
{
	double value;

	memcpy(&value, (const char *)row + columns[column].offset, sizeof(value));
	return value;
}

/* ---- order ---- */

static int compare_values(double a, double b)
{
	return (a > b) - (a < b);
}

/* What has no number stands last either way. arg: the screen. */
static int compare(const void *left, const void *right, void *arg)
{
	const struct top_row *a = left, *b = right;
	const struct top_screen *screen = arg;
	int names = strcmp(a->tool, b->tool);

	if (screen->sort == TOP_TOOL)
		return screen->reversed ? -names : names;
	double x = value_of(a, screen->sort), y = value_of(b, screen->sort);
	if (isnan(x) || isnan(y))
		return isnan(x) == isnan(y) ? names : isnan(x) - isnan(y);
	int order = screen->reversed ? compare_values(x, y) : compare_values(y, x);
	return order ? order : names;
}

/* ---- cells ---- */

/* Three digits: "7.25", "12.3", "456". */
static void scaled(char cell[CELL_BYTES], double value, const char *unit)
{
	(void)snprintf(cell, CELL_BYTES, "%.*f%s",
		       value >= 100  ? 0
		       : value >= 10 ? 1
				     : 2,
		       value, unit);
}

static void seconds(char cell[CELL_BYTES], double value)
{
	if (value < 0.001)
		scaled(cell, value * 1e6, "us");
	else if (value < 1)
		scaled(cell, value * 1e3, "ms");
	else
		scaled(cell, value, "s");
}

static void bytes(char cell[CELL_BYTES], double value)
{
	if (value < 1e6)
		scaled(cell, value / 1e3, "kB");
	else if (value < 1e9)
		scaled(cell, value / 1e6, "MB");
	else
		scaled(cell, value / 1e9, "GB");
}

static void format_cell(char cell[CELL_BYTES], double value, enum unit unit)
{
	if (isnan(value))
		memcpy(cell, "-", sizeof("-"));
	else if (unit == UNIT_SECONDS)
		seconds(cell, value);
	else if (unit == UNIT_BYTES)
		bytes(cell, value);
	else
		(void)snprintf(cell, CELL_BYTES, unit == UNIT_RATE ? "%.1f" : "%.0f", value);
}

/* ---- which columns have a place ---- */

struct layout {
	bool shown[TOP_COLUMNS];
	size_t tool_width;
};

static size_t longest_tool(const struct top_rows *rows)
{
	size_t longest = TOOL_WIDTH_MIN;

	for (size_t i = 0; i < rows->count; i++) {
		size_t width = plain_width(rows->rows[i].tool);

		if (width > longest)
			longest = width;
	}
	return longest < TOOL_WIDTH_MAX ? longest : TOOL_WIDTH_MAX;
}

static struct layout layout_for(const struct top_screen *screen, const struct top_rows *rows)
{
	struct layout layout = {.tool_width = longest_tool(rows)};
	size_t wanted = layout.tool_width < 20 ? layout.tool_width : 20;
	size_t used = wanted;

	for (unsigned rank = 1; rank < TOP_COLUMNS; rank++) {
		for (int i = TOP_TOOL + 1; i < TOP_COLUMNS; i++) {
			size_t width = columns[i].width + 1;

			if (columns[i].rank != rank ||
			    (screen->width && used + width > screen->width))
				continue;
			layout.shown[i] = true;
			used += width;
		}
	}
	if (screen->width && layout.tool_width + used - wanted > screen->width)
		layout.tool_width =
			used - wanted < screen->width ? screen->width - used + wanted : 1;
	return layout;
}

/* ---- lines ---- */

/* A whole line, cut where the terminal ends. */
static void append_line(struct buf *out, const struct top_screen *screen, const char *text)
{
	plain_append(out, text, 0, screen->width ? screen->width : SIZE_MAX);
	buf_append_char(out, '\n');
}

static void append_head(struct buf *out, const struct top_screen *screen,
			const struct top_rows *rows)
{
	char text[LINE_BYTES];

	if (screen->trouble)
		(void)snprintf(text, sizeof(text), "%s: %s", screen->agent, screen->trouble);
	else
		(void)snprintf(
			text, sizeof(text),
			"%s  %zu tools in the last %.0f min, oldest run %.0f s, %.0f zombies, "
			"%.0f lost",
			screen->agent, rows->count, ceil(rows->minutes), rows->oldest_seconds,
			rows->zombies, rows->lost);
	append_line(out, screen, text);
}

static void append_titles(struct buf *out, const struct top_screen *screen,
			  const struct layout *layout)
{
	plain_append(out, screen->sort == TOP_TOOL ? "TOOL*" : "TOOL", layout->tool_width,
		     layout->tool_width);
	for (int i = TOP_TOOL + 1; i < TOP_COLUMNS; i++) {
		char title[CELL_BYTES];

		if (!layout->shown[i])
			continue;
		(void)snprintf(title, sizeof(title), "%s%s", columns[i].title,
			       screen->sort == (enum top_column)i ? "*" : "");
		buf_printf(out, " %*s", (int)columns[i].width, title);
	}
	buf_append_char(out, '\n');
}

static void append_row(struct buf *out, const struct layout *layout, const struct top_row *row)
{
	plain_append(out, row->tool, layout->tool_width, layout->tool_width);
	for (int i = TOP_TOOL + 1; i < TOP_COLUMNS; i++) {
		char cell[CELL_BYTES];

		if (!layout->shown[i])
			continue;
		format_cell(cell, value_of(row, (enum top_column)i), columns[i].unit);
		buf_printf(out, " %*s", (int)columns[i].width, cell);
	}
	buf_append_char(out, '\n');
}

static size_t rows_on(const struct top_screen *screen, const struct top_rows *rows)
{
	if (!screen->height)
		return rows->count;
	return screen->height > LINES_AROUND ? screen->height - LINES_AROUND : 1;
}

void top_screen_write(struct top_screen *screen, struct top_rows *rows, struct buf *out)
{
	struct layout layout = layout_for(screen, rows);
	size_t room = rows_on(screen, rows);
	size_t last = rows->count > room ? rows->count - room : 0;

	if (rows->count)
		qsort_r(rows->rows, rows->count, sizeof(*rows->rows), compare, screen);
	if (screen->first > last)
		screen->first = last;
	append_head(out, screen, rows);
	append_titles(out, screen, &layout);
	for (size_t i = screen->first; i < rows->count && i < screen->first + room; i++)
		append_row(out, &layout, &rows->rows[i]);
	if (rows->count == 0)
		append_line(out, screen, "no tool has run lately");
	if (screen->height)
		append_line(out, screen, "q quit  left/right sort by  r reverse  up/down scroll");
}
