/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "metric/number.h"
#include "metric/series.h"
#include "metric/varint.h"

/* What a row stood at: value, sum, then its buckets, +Inf among them. */
enum total { TOTAL_VALUE, TOTAL_SUM, TOTAL_BUCKETS };

/* A line of the history: a series, or the sum of some. */
struct row {
	struct row *next; /* of its family */
	size_t number;	  /* among all rows */
	const char *key;  /* the values of its labels, each with its NUL; a series' own */
	size_t key_bytes;
	uint64_t *before; /* as many as of now, behind them */
	uint64_t now[];	  /* totals_count() */
};

/* A family as it is kept. */
struct track {
	const struct metric *metric;
	unsigned how;
	struct row *first;
	struct row *last;
};

/* Where a number leads. */
struct place {
	struct row *row; /* owned */
	const struct track *track;
};

struct step {
	uint64_t time_ms;
	uint8_t *bytes; /* owned */
	size_t n;
};

struct history {
	struct track *tracks; /* owned */
	size_t track_count;
	struct place *rows; /* by number; owned */
	size_t row_count;
	size_t row_capacity;
	struct step steps[HISTORY_STEPS]; /* a ring */
	size_t first;
	size_t step_count;
	size_t bytes;
	struct buf scratch;
};

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

/* ---- rows ---- */

static bool rows_reserve(struct history *history)
{
	size_t capacity = history->row_capacity ? 2 * history->row_capacity : 64;

	if (history->row_count < history->row_capacity)
		return true;
	struct place *rows = reallocarray(history->rows, capacity, sizeof(*rows));
	if (!rows)
		return false;
	history->rows = rows;
	history->row_capacity = capacity;
	return true;
}

static size_t totals_count(const struct track *track)
{
	if (track->metric->family->type != METRIC_HISTOGRAM)
		return TOTAL_SUM;
	return track->how & HISTORY_NO_BUCKETS ? TOTAL_BUCKETS
					       : TOTAL_BUCKETS + track->metric->buckets + 1;
}

static struct row *row_new(const struct track *track)
{
	size_t count = totals_count(track);
	struct row *row = calloc(1, sizeof(*row) + 2 * count * sizeof(row->now[0]));

	if (row)
		row->before = row->now + count;
	return row;
}

static struct row *row_add(struct history *history, struct track *track, const char *key, size_t n)
{
	struct row *row = rows_reserve(history) ? row_new(track) : NULL;

	if (!row)
		return NULL;
	row->number = history->row_count;
	row->key = key;
	row->key_bytes = n;
	if (track->last)
		track->last->next = row;
	else
		track->first = row;
	track->last = row;
	history->rows[history->row_count++] = (struct place){row, track};
	return row;
}

/* Of a summed family: a handful of rows, by what is behind the first label's value. */
static struct row *row_of_group(struct history *history, struct track *track,
				const struct series *series)
{
	size_t skip = strlen(series->key) + 1;
	size_t n = series->key_bytes - skip;
	struct row *row = track->first;

	while (row && (row->key_bytes != n || memcmp(row->key, series->key + skip, n) != 0))
		row = row->next;
	return row ? row : row_add(history, track, series->key + skip, n);
}

/* Rows of single series are in the order of the series: the next one is the last one's, or new. */
static struct row *row_of_series(struct history *history, struct track *track,
				 const struct series *series, const struct row *last)
{
	struct row *row = last ? last->next : track->first;

	return row ? row : row_add(history, track, series->key, series->key_bytes);
}

static void row_add_series(struct row *row, const struct track *track, const struct series *series)
{
	uint64_t beyond = series->value;

	row->now[TOTAL_VALUE] += series->value;
	if (totals_count(track) > TOTAL_SUM)
		row->now[TOTAL_SUM] += series->sum;
	if (totals_count(track) <= TOTAL_BUCKETS)
		return;
	for (size_t i = 0; i < track->metric->buckets; i++) {
		row->now[TOTAL_BUCKETS + i] += series->buckets[i];
		beyond -= series->buckets[i];
	}
	row->now[TOTAL_BUCKETS + track->metric->buckets] += beyond;
}

static void track_read(struct history *history, struct track *track)
{
	struct row *row = NULL;

	for (row = track->first; row; row = row->next)
		memset(row->now, 0, totals_count(track) * sizeof(row->now[0]));
	for (const struct series *series = track->metric->first; series; series = series->next) {
		row = track->how & HISTORY_SUMMED ? row_of_group(history, track, series)
						  : row_of_series(history, track, series, row);
		if (!row)
			return;
		row_add_series(row, track, series);
	}
}

/*
 * ---- a step: by family, how many rows did not move and how many then did, with what changed of each of those ----
 *
 * A run of none ends a family. Of a histogram the sum, then a number for each bucket that moved: how much, less one, times
 * their count, and which, doubled; it is odd where another follows.
 */

static size_t buckets_count(const struct track *track)
{
	return totals_count(track) - TOTAL_BUCKETS;
}

static void append_buckets(struct buf *out, const struct row *row, size_t count)
{
	const uint64_t *now = row->now + TOTAL_BUCKETS, *before = row->before + TOTAL_BUCKETS;
	size_t end = count;

	while (end && now[end - 1] == before[end - 1])
		end--;
	for (size_t i = 0; i < end; i++) {
		uint64_t change = now[i] - before[i];

		if (change)
			varint_append(out, ((change - 1) * count + i) << 1 | (i + 1 < end));
	}
}

static bool row_moved(const struct row *row, const struct track *track)
{
	if (track->metric->family->type == METRIC_GAUGE)
		return row->now[TOTAL_VALUE] != 0;
	return row->now[TOTAL_VALUE] != row->before[TOTAL_VALUE];
}

static void append_row(struct buf *out, const struct row *row, const struct track *track)
{
	switch (track->metric->family->type) {
	case METRIC_GAUGE:
		varint_append(out, row->now[TOTAL_VALUE]);
		break;
	case METRIC_COUNTER:
		varint_append(out, row->now[TOTAL_VALUE] - row->before[TOTAL_VALUE]);
		break;
	case METRIC_HISTOGRAM:
		varint_append(out, row->now[TOTAL_SUM] - row->before[TOTAL_SUM]);
		append_buckets(out, row, buckets_count(track));
		break;
	}
}

/* Counts rows that did, or did not, move, and steps over them. */
static size_t rows_pass(const struct row **row, const struct track *track, bool moved)
{
	size_t count = 0;

	for (; *row && row_moved(*row, track) == moved; *row = (*row)->next)
		count++;
	return count;
}

static void append_track(struct buf *out, const struct track *track)
{
	for (const struct row *row = track->first; row;) {
		size_t still = rows_pass(&row, track, false);
		const struct row *first = row;
		size_t moved = rows_pass(&row, track, true);

		if (!moved)
			break;
		varint_append(out, still);
		varint_append(out, moved);
		for (; first != row; first = first->next)
			append_row(out, first, track);
	}
	varint_append(out, 0);
	varint_append(out, 0);
}

static void step_read(struct history *history, struct buf *out)
{
	for (size_t i = 0; i < history->track_count; i++) {
		struct track *track = &history->tracks[i];

		track_read(history, track);
		append_track(out, track);
		for (struct row *row = track->first; row; row = row->next)
			memcpy(row->before, row->now, totals_count(track) * sizeof(row->now[0]));
	}
}

static void drop_oldest(struct history *history)
{
	struct step *step = &history->steps[history->first];

	history->bytes -= step->n;
	free(step->bytes);
	*step = (struct step){};
	history->first = (history->first + 1) % HISTORY_STEPS;
	history->step_count--;
}

void history_step(struct history *history, uint64_t time_ms)
{
	struct buf *out = &history->scratch;

	buf_clear(out);
	step_read(history, out);
	uint8_t *bytes = malloc(out->len ?: 1);
	if (!bytes || buf_error(out) < 0) {
		free(bytes);
		return;
	}
	if (out->len)
		memcpy(bytes, out->data, out->len);
	while (history->step_count && (history->step_count == HISTORY_STEPS ||
				       history->bytes + out->len > HISTORY_BYTES_MAX))
		drop_oldest(history);
	size_t place = (history->first + history->step_count++) % HISTORY_STEPS;
	history->steps[place] = (struct step){time_ms, bytes, out->len};
	history->bytes += out->len;
}

/* ---- as JSON ---- */

static void write_values(struct buf *out, const char *key, size_t n)
{
	for (const char *value = key; value < key + n; value += strlen(value) + 1) {
		buf_append_char(out, ',');
		json_append_string(out, value, strlen(value));
	}
}

static void write_number(struct buf *out, uint64_t value, unsigned scale)
{
	char text[NUMBER_BYTES];

	buf_append(out, text, (size_t)(number_write(text, value, scale) - text));
}

static void write_family(struct buf *out, const struct track *track)
{
	const struct metric *metric = track->metric;
	const struct family *family = metric->family;
	size_t first = track->how & HISTORY_SUMMED ? 1 : 0;
	size_t bounds = totals_count(track) > TOTAL_BUCKETS ? metric->buckets : 0;

	buf_printf(out, "{\"name\":\"%s\",\"type\":\"%s\",\"scale\":%u,\"labels\":[", family->name,
		   type_names[family->type], family->scale);
	for (size_t i = first; i < metric->labels; i++)
		buf_printf(out, "%s\"%s\"", i > first ? "," : "", family->labels[i]);
	buf_append_cstr(out, "],\"bounds\":[");
	for (size_t i = 0; i < bounds; i++) {
		buf_append_cstr(out, i ? "," : "");
		write_number(out, family->buckets[i], family->scale);
	}
	buf_append_cstr(out, "]}");
}

static void write_buckets(struct buf *out, size_t count, struct varint_reader *reader)
{
	uint64_t bucket;

	do {
		bucket = varint_read(reader);
		buf_append_char(out, ',');
		buf_append_u64(out, (bucket >> 1) % count);
		buf_append_char(out, ',');
		buf_append_u64(out, (bucket >> 1) / count + 1);
	} while (bucket & 1);
}

static void write_row(struct buf *out, const struct row *row, const struct track *track,
		      struct varint_reader *reader)
{
	buf_append_cstr(out, ",[");
	buf_append_u64(out, row->number);
	buf_append_char(out, ',');
	buf_append_u64(out, varint_read(reader));
	if (track->metric->family->type == METRIC_HISTOGRAM && buckets_count(track))
		write_buckets(out, buckets_count(track), reader);
	buf_append_char(out, ']');
}

static void write_track(struct buf *out, const struct track *track, struct varint_reader *reader)
{
	const struct row *row = track->first;

	for (;;) {
		uint64_t still = varint_read(reader), moved = varint_read(reader);

		if (!moved)
			return;
		for (; still; still--)
			row = row->next;
		for (; moved; moved--, row = row->next)
			write_row(out, row, track, reader);
	}
}

static void write_step(const struct history *history, const struct step *step, struct buf *out)
{
	struct varint_reader reader = {step->bytes, step->bytes + step->n};

	buf_append_char(out, '[');
	buf_append_u64(out, step->time_ms);
	for (size_t i = 0; i < history->track_count; i++)
		write_track(out, &history->tracks[i], &reader);
	buf_append_char(out, ']');
}

static void write_steps(const struct history *history, uint64_t after_ms, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < history->step_count; i++) {
		const struct step *step = &history->steps[(history->first + i) % HISTORY_STEPS];

		if (step->time_ms <= after_ms)
			continue;
		buf_append_cstr(out, comma);
		write_step(history, step, out);
		comma = ",";
	}
}

void history_write(const struct history *history, uint64_t after_ms, size_t first_row,
		   struct buf *out)
{
	buf_append_cstr(out, "\"families\":[");
	for (size_t i = 0; i < history->track_count; i++) {
		buf_append_cstr(out, i ? "," : "");
		write_family(out, &history->tracks[i]);
	}
	buf_append_cstr(out, "],\"rows\":[");
	for (size_t i = first_row; i < history->row_count; i++) {
		const struct place *place = &history->rows[i];

		buf_printf(out, "%s[%zu", i > first_row ? "," : "",
			   (size_t)(place->track - history->tracks));
		write_values(out, place->row->key, place->row->key_bytes);
		buf_append_char(out, ']');
	}
	buf_append_cstr(out, "],\"steps\":[");
	write_steps(history, after_ms, out);
	buf_append_char(out, ']');
}

void registry_write_json(const struct registry *registry, size_t index, struct buf *out)
{
	const struct metric *metric = &registry->metrics[index];
	const char *comma = "";

	buf_printf(out, "{\"name\":\"%s\",\"series\":[", metric->family->name);
	for (const struct series *series = metric->first; series; series = series->next) {
		_cleanup_buf_ struct buf values = {};

		write_values(&values, series->key, series->key_bytes);
		if (values.len) /* without the first comma */
			buf_printf(out, "%s[%s,", comma, buf_cstr(&values) + 1);
		else
			buf_printf(out, "%s[", comma);
		write_number(out, series->value, metric->family->scale);
		buf_append_char(out, ']');
		comma = ",";
	}
	buf_append_cstr(out, "]}");
}

/* ---- life ---- */

int history_new(const struct registry *registry, const struct history_family *families,
		size_t count, struct history **ret)
{
	struct history *history = calloc(1, sizeof(*history));

	if (!history)
		return -ENOMEM;
	history->tracks = calloc(count, sizeof(*history->tracks));
	if (!history->tracks) {
		history_free(&history);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		history->tracks[i] = (struct track){
			.metric = &registry->metrics[families[i].index],
			.how = families[i].how,
		};
	history->track_count = count;
	step_read(history, &history->scratch);
	*ret = history;
	return 0;
}

void history_free(struct history **owner)
{
	struct history *history = take_ptr(*owner);

	if (!history)
		return;
	while (history->step_count)
		drop_oldest(history);
	for (size_t i = 0; i < history->row_count; i++)
		free(history->rows[i].row);
	free(history->rows);
	free(history->tracks);
	buf_free(&history->scratch);
	free(history);
}
