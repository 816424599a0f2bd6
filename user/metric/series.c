/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/series.h"

#include <assert.h>
#include <stdlib.h>

#include "metric/family.h"
#include "metric/number.h"

/* `a="x",b="y"` */
static void append_labels(struct buf *out, const struct metric *metric, const char *const *values)
{
	for (size_t i = 0; i < metric->labels; i++) {
		buf_printf(out, i ? ",%s=\"" : "%s=\"", metric->family->labels[i]);
		append_escaped(out, values[i], true);
		buf_append_char(out, '"');
	}
}

/* `name_sum{a="x"} `. Returns its length. */
static uint32_t append_head(struct buf *out, const struct metric *metric, const char *suffix,
			    struct buf *labels)
{
	size_t start = out->len;
	const struct family *family = metric->family;

	buf_printf(out, "%s%s%s", family->own ? "" : metric->prefix, family->name, suffix);
	if (labels->len)
		buf_printf(out, "{%s}", buf_cstr(labels));
	buf_append_char(out, ' ');
	return (uint32_t)(out->len - start);
}

/* `name_bucket{a="x",le="`. Returns its length. */
static uint32_t append_bucket_head(struct buf *out, const struct metric *metric, struct buf *labels)
{
	size_t start = out->len;
	const struct family *family = metric->family;

	buf_printf(out, "%s%s_bucket{%s%sle=\"", family->own ? "" : metric->prefix, family->name,
		   buf_cstr(labels), labels->len ? "," : "");
	return (uint32_t)(out->len - start);
}

/* Lengths go to shape, texts to out, one behind the other. */
static void append_heads(struct buf *out, const struct metric *metric, const char *const *values,
			 struct series *shape)
{
	_cleanup_buf_ struct buf labels = {};

	append_labels(&labels, metric, values);
	if (metric->family->type == METRIC_HISTOGRAM) {
		shape->head_bytes = append_bucket_head(out, metric, &labels);
		shape->sum_bytes = append_head(out, metric, "_sum", &labels);
		shape->count_bytes = append_head(out, metric, "_count", &labels);
	} else {
		shape->head_bytes = append_head(out, metric, "", &labels);
	}
	if (buf_error(&labels) < 0)
		out->error = buf_error(&labels);
}

struct series *series_new(struct metric *metric, const char *const *values, const char *key,
			  size_t key_bytes)
{
	struct series shape = {.metric = metric, .key_bytes = (uint32_t)key_bytes};
	_cleanup_buf_ struct buf text = {};

	append_heads(&text, metric, values, &shape);
	buf_append(&text, key, key_bytes);
	if (buf_error(&text) < 0)
		return NULL;

	size_t counts_bytes = metric->buckets * sizeof(shape.buckets[0]);
	struct series *series = calloc(1, sizeof(*series) + counts_bytes + text.len);
	if (!series)
		return NULL;

	*series = shape;
	char *copy = (char *)series->buckets + counts_bytes;
	memcpy(copy, text.data, text.len);
	series->head = copy;
	series->sum_head = series->head + series->head_bytes;
	series->count_head = series->sum_head + series->sum_bytes;
	series->key = series->count_head + series->count_bytes;
	return series;
}

size_t series_lines(const struct series *series)
{
	const struct metric *metric = series->metric;

	return metric->family->type == METRIC_HISTOGRAM ? metric->buckets + 3 : 1;
}

size_t series_bytes_max(const struct series *series)
{
	size_t lines = series_lines(series);
	size_t heads = series->head_bytes + series->sum_bytes + series->count_bytes;

	if (lines > 1)
		heads += (lines - 3) * series->head_bytes + (lines - 2) * BOUND_TEXT_BYTES;
	return heads + lines * (NUMBER_BYTES + 1);
}

void series_add(struct series *series, uint64_t n)
{
	assert(series->metric->family->type == METRIC_COUNTER);
	series->value += n;
}

void series_set(struct series *series, uint64_t value)
{
	assert(series->metric->family->type != METRIC_HISTOGRAM);
	series->value = value;
}

/* The number of buckets: +Inf. */
static size_t bucket_of(const struct metric *metric, uint64_t value)
{
	size_t i = 0;

	assert(metric->family->type == METRIC_HISTOGRAM);
	while (i < metric->buckets && value > metric->family->buckets[i])
		i++;
	return i;
}

void series_observe(struct series *series, uint64_t value)
{
	const struct metric *metric = series->metric;
	size_t i = bucket_of(metric, value);

	if (i < metric->buckets)
		series->buckets[i]++;
	series->value++;
	series->sum += value;
}

void series_exemplar(struct series *series, uint64_t value, const char *labels, uint64_t time_ns)
{
	const struct metric *metric = series->metric;
	size_t i = bucket_of(metric, value), n = strlen(labels);

	assert(n <= METRIC_EXEMPLAR_BYTES);
	if (!series->exemplars) {
		series->exemplars = calloc(metric->buckets + 1, sizeof(*series->exemplars));
		if (!series->exemplars)
			return;
		metric->registry->exemplar_bytes += (metric->buckets + 1) * EXEMPLAR_LINE_BYTES;
	}
	struct exemplar *exemplar = &series->exemplars[i];
	exemplar->value = value;
	exemplar->time_ns = time_ns;
	exemplar->labels_bytes = (uint32_t)n;
	memcpy(exemplar->labels, labels, n);
}

uint64_t series_value(const struct series *series)
{
	return series->value;
}
