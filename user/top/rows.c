/* SPDX-License-Identifier: Apache-2.0 */
#include "top/rows.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define BUCKETS_MAX 32
#define SCALE_MAX 18 /* digits of a row's number behind the point; an agent says 0 or 9 */

/* What the rows of a family move. */
enum moves { MOVES_NOTHING, MOVES_RUNS, MOVES_CPU, MOVES_RSS };

static const struct {
	const char *name;
	enum moves moves;
} known[] = {
	{"runtime_tool_execute_seconds", MOVES_RUNS},
	{"runtime_tool_cpu_seconds", MOVES_CPU},
	{"runtime_tool_max_rss_bytes", MOVES_RSS},
};

/* A row of the answer: whose it is, and what its changes mean. */
struct source {
	enum moves moves;
	size_t tool;
	double unit;
	double *outcome; /* the tool's errors or timeouts; NULL */
};

struct tool {
	struct top_row row;
	double buckets[BUCKETS_MAX];
	double cpu;
	double rss;
	double errors;
	double timeouts;
};

struct reading {
	json_t *answer; /* borrowed */
	json_t *families;
	json_t *by_name;    /* tool -> its place; owned */
	struct tool *tools; /* owned, TOP_TOOLS_MAX */
	size_t count;
	struct source *sources; /* owned; by row */
	size_t source_count;
	double bounds[BUCKETS_MAX];
	size_t bounds_count;
	double time_ms;
};

static void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

/* The place of a tool; TOP_TOOLS_MAX where there is no room or no name. */
static size_t tool_place(struct reading *reading, const json_t *name)
{
	const char *text = json_string_value(name);

	if (!text || strlen(text) > TOP_TOOL_BYTES)
		return TOP_TOOLS_MAX;
	const json_t *place = json_object_get(reading->by_name, text);
	if (place)
		return (size_t)json_integer_value(place);
	if (reading->count == TOP_TOOLS_MAX ||
	    json_object_set_new(reading->by_name, text, json_integer((json_int_t)reading->count)))
		return TOP_TOOLS_MAX;
	memcpy(reading->tools[reading->count].row.tool, text, strlen(text) + 1);
	return reading->count++;
}

static enum moves moves_of(const json_t *family)
{
	const char *name = json_string_value(json_object_get(family, "name"));

	for (size_t i = 0; name && i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, name) == 0)
			return known[i].moves;
	}
	return MOVES_NOTHING;
}

static double *outcome_of(struct tool *tool, const json_t *outcome)
{
	const char *name = json_string_value(outcome);

	if (name && strcmp(name, "error") == 0)
		return &tool->errors;
	return name && strcmp(name, "timeout") == 0 ? &tool->timeouts : NULL;
}

/* Not pow(): the agent would map the mathematics library for it, which is a third of a MiB. */
static double ten_to_the(json_int_t scale)
{
	double power = 1;

	for (json_int_t i = 0; i < scale && i < SCALE_MAX; i++)
		power *= 10;
	return power;
}

static void read_source(struct reading *reading, const json_t *row, struct source *ret)
{
	const json_t *family = json_array_get(reading->families,
					      (size_t)json_integer_value(json_array_get(row, 0)));

	ret->moves = moves_of(family);
	if (ret->moves == MOVES_NOTHING)
		return;
	ret->tool = tool_place(reading, json_array_get(row, 1));
	if (ret->tool == TOP_TOOLS_MAX) {
		ret->moves = MOVES_NOTHING;
		return;
	}
	ret->unit = ten_to_the(json_integer_value(json_object_get(family, "scale")));
	if (ret->moves == MOVES_RUNS)
		ret->outcome = outcome_of(&reading->tools[ret->tool], json_array_get(row, 2));
}

static void read_bounds(struct reading *reading)
{
	size_t i;
	json_t *family;

	json_array_foreach(reading->families, i, family)
	{
		const json_t *bounds = json_object_get(family, "bounds");

		if (moves_of(family) != MOVES_RUNS)
			continue;
		while (reading->bounds_count < BUCKETS_MAX - 1 &&
		       reading->bounds_count < json_array_size(bounds)) {
			reading->bounds[reading->bounds_count] =
				json_number_value(json_array_get(bounds, reading->bounds_count));
			reading->bounds_count++;
		}
	}
}

static int read_sources(struct reading *reading)
{
	const json_t *rows = json_object_get(reading->answer, "rows");
	size_t i;
	json_t *row;

	reading->source_count = json_array_size(rows);
	reading->sources = calloc(reading->source_count + 1, sizeof(*reading->sources));
	if (!reading->sources)
		return -ENOMEM;
	json_array_foreach(rows, i, row) read_source(reading, row, &reading->sources[i]);
	return 0;
}

/* entry: [row, sum, bucket, count, bucket, count, …] */
static void add_runs(struct tool *tool, const struct source *source, const json_t *entry, bool late)
{
	for (size_t i = 2; i + 1 < json_array_size(entry); i += 2) {
		size_t bucket = (size_t)json_integer_value(json_array_get(entry, i));
		double count = json_number_value(json_array_get(entry, i + 1));

		if (bucket < BUCKETS_MAX)
			tool->buckets[bucket] += count;
		tool->row.runs += count;
		if (late)
			tool->row.rate += count / (TOP_RATE_MS / 1000);
		if (source->outcome)
			*source->outcome += count;
	}
}

static void add_entry(struct reading *reading, const json_t *entry, bool late)
{
	size_t row = (size_t)json_integer_value(json_array_get(entry, 0));

	if (row >= reading->source_count || reading->sources[row].moves == MOVES_NOTHING)
		return;
	const struct source *source = &reading->sources[row];
	struct tool *tool = &reading->tools[source->tool];
	double sum = json_number_value(json_array_get(entry, 1)) / source->unit;
	if (source->moves == MOVES_CPU)
		tool->cpu += sum;
	else if (source->moves == MOVES_RSS)
		tool->rss += sum;
	else
		add_runs(tool, source, entry, late);
}

static void read_steps(struct reading *reading)
{
	size_t i, j;
	json_t *step, *entry;

	json_array_foreach(json_object_get(reading->answer, "steps"), i, step)
	{
		double time_ms = json_number_value(json_array_get(step, 0));
		bool late = time_ms > reading->time_ms - TOP_RATE_MS;

		json_array_foreach(step, j, entry)
		{
			if (json_is_array(entry))
				add_entry(reading, entry, late);
		}
	}
}

/* As Prometheus' histogram_quantile: linear within a bucket, at most the last finite bound. */
static double quantile(double q, const double *bounds, size_t n, const double *buckets)
{
	double total = 0, below = 0;

	for (size_t i = 0; i <= n; i++)
		total += buckets[i];
	if (total == 0 || n == 0)
		return NAN;
	for (size_t i = 0; i < n; i++) {
		double low = i ? bounds[i - 1] : 0;

		if (buckets[i] > 0 && below + buckets[i] >= q * total)
			return low + (bounds[i] - low) * (q * total - below) / buckets[i];
		below += buckets[i];
	}
	return bounds[n - 1];
}

/* The series of a family as they are now. */
static const json_t *now_of(const struct reading *reading, const char *name)
{
	size_t i;
	json_t *family;

	json_array_foreach(json_object_get(reading->answer, "now"), i, family)
	{
		const char *its = json_string_value(json_object_get(family, "name"));

		if (its && strcmp(its, name) == 0)
			return json_object_get(family, "series");
	}
	return NULL;
}

static double last_of(const json_t *series)
{
	return json_number_value(json_array_get(series, json_array_size(series) - 1));
}

static double sum_of(const struct reading *reading, const char *name)
{
	const json_t *all = now_of(reading, name);
	double sum = 0;

	for (size_t i = 0; i < json_array_size(all); i++)
		sum += last_of(json_array_get(all, i));
	return sum;
}

static void read_in_flight(struct reading *reading)
{
	const json_t *all = now_of(reading, "runtime_tool_runs_in_flight");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *series = json_array_get(all, i);
		size_t place = last_of(series) > 0 ? tool_place(reading, json_array_get(series, 0))
						   : TOP_TOOLS_MAX;

		if (place < TOP_TOOLS_MAX)
			reading->tools[place].row.in_flight += last_of(series);
	}
}

static void finish_tool(const struct reading *reading, const struct tool *tool, struct top_row *ret)
{
	size_t n = reading->bounds_count;

	*ret = tool->row;
	ret->errors = tool->errors;
	ret->timeouts = tool->timeouts;
	ret->p50_seconds = quantile(0.5, reading->bounds, n, tool->buckets);
	ret->p95_seconds = quantile(0.95, reading->bounds, n, tool->buckets);
	ret->p99_seconds = quantile(0.99, reading->bounds, n, tool->buckets);
	ret->cpu_seconds = ret->runs > 0 ? tool->cpu / ret->runs : NAN;
	ret->rss_bytes = ret->runs > 0 ? tool->rss / ret->runs : NAN;
}

static int finish(const struct reading *reading, struct top_rows *ret)
{
	const json_t *steps = json_object_get(reading->answer, "steps");
	double first_ms = json_number_value(json_array_get(json_array_get(steps, 0), 0));
	struct top_row *rows = calloc(reading->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	*ret = (struct top_rows){
		.rows = rows,
		.minutes = first_ms > 0 ? (reading->time_ms - first_ms) / 60000 : 0,
		.lost = sum_of(reading, "bunscope_runs_lost_total"),
		.oldest_seconds = sum_of(reading, "runtime_tool_oldest_run_seconds"),
		.zombies = sum_of(reading, "runtime_bun_unreaped"),
	};
	for (size_t i = 0; i < reading->count; i++) {
		const struct top_row *row = &reading->tools[i].row;

		/* A tool that did nothing in these minutes is not of interest now. */
		if (row->runs > 0 || row->in_flight > 0)
			finish_tool(reading, &reading->tools[i], &rows[ret->count++]);
	}
	return 0;
}

static int read_all(struct reading *reading, struct top_rows *ret)
{
	int r = read_sources(reading);

	if (r < 0)
		return r;
	read_bounds(reading);
	read_steps(reading);
	read_in_flight(reading);
	return finish(reading, ret);
}

int top_rows_read(const void *json, size_t n, struct top_rows *ret)
{
	_cleanup_json_ json_t *answer = json_loadb(json, n, 0, NULL);
	_cleanup_json_ json_t *by_name = json_object();
	_cleanup_free_ struct tool *tools = calloc(TOP_TOOLS_MAX, sizeof(*tools));
	struct reading reading = {.answer = answer, .by_name = by_name, .tools = tools};

	if (!tools || !by_name)
		return -ENOMEM;
	reading.families = json_object_get(answer, "families");
	reading.time_ms = json_number_value(json_object_get(answer, "time"));
	if (!json_is_array(reading.families) || reading.time_ms <= 0)
		return -EINVAL;
	int r = read_all(&reading, ret);
	free(reading.sources);
	return r;
}

void top_rows_free(struct top_rows *rows)
{
	free(rows->rows);
	*rows = (struct top_rows){};
}
