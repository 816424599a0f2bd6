/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a scrape. Room for all of it is reserved at once, so that nothing below checks for
 * space: a line is its head, copied, and its number.
 */
#include "metric/number.h"
#include "metric/series.h"

#define OPENMETRICS_END "# EOF\n"
#define NANOSECONDS_SCALE 9

static inline char *put(char *p, const char *text, size_t n)
{
	memcpy(p, text, n);
	return p + n;
}

static inline char *put_number(char *p, uint64_t value, unsigned scale)
{
	p = number_write(p, value, scale);
	*p++ = '\n';
	return p;
}

/* ` # {trace_id="…"} 0.054 1520879607.789` in the place of the line's end (OpenMetrics 1.0.0, "Exemplars"). */
static char *put_exemplar(char *p, const struct series *series, size_t i)
{
	const struct exemplar *exemplar = &series->exemplars[i];

	if (!exemplar->time_ns)
		return p;
	p = put(p - 1, " # {", 4);
	p = put(p, exemplar->labels, exemplar->labels_bytes);
	p = put(p, "} ", 2);
	p = number_write(p, exemplar->value, series->metric->family->scale);
	*p++ = ' ';
	return put_number(p, exemplar->time_ns, NANOSECONDS_SCALE);
}

static inline char *put_bucket(char *p, const struct series *series, const struct bound_text *bound,
			       uint64_t value)
{
	p = put(p, series->head, series->head_bytes);
	memcpy(p, bound->text, sizeof(bound->text));
	return put_number(p + bound->bytes, value, 0);
}

static char *put_histogram(char *p, const struct series *series, enum metric_format format)
{
	const struct metric *metric = series->metric;
	const struct bound_text *bound = metric->bounds[format];
	bool exemplars = series->exemplars && format == METRIC_FORMAT_OPENMETRICS;
	uint64_t below = 0;

	for (size_t i = 0; i <= metric->buckets; i++) {
		below = i < metric->buckets ? below + series->buckets[i] : series->value;
		p = put_bucket(p, series, bound++, below);
		if (exemplars)
			p = put_exemplar(p, series, i);
	}
	p = put(p, series->sum_head, series->sum_bytes);
	p = put_number(p, series->sum, metric->family->scale);
	p = put(p, series->count_head, series->count_bytes);
	return put_number(p, series->value, 0);
}

static char *put_metric(char *p, const struct metric *metric, enum metric_format format)
{
	p = put(p, metric->comments[format].data, metric->comments[format].len);
	for (const struct series *series = metric->first; series; series = series->next) {
		if (metric->family->type == METRIC_HISTOGRAM) {
			p = put_histogram(p, series, format);
		} else {
			p = put(p, series->head, series->head_bytes);
			p = put_number(p, series->value, metric->family->scale);
		}
	}
	return p;
}

static size_t bytes_max(const struct registry *registry, enum metric_format format)
{
	size_t n = registry->line_bytes + registry->exemplar_bytes + strlen(OPENMETRICS_END);

	for (size_t i = 0; i < registry->count; i++)
		n += registry->metrics[i].comments[format].len;
	return n;
}

void registry_write(const struct registry *registry, enum metric_format format, struct buf *out)
{
	if (buf_reserve(out, bytes_max(registry, format)) < 0)
		return;

	char *p = out->data + out->len;
	for (size_t i = 0; i < registry->count; i++) {
		if (!registry->metrics[i].hidden)
			p = put_metric(p, &registry->metrics[i], format);
	}
	if (format == METRIC_FORMAT_OPENMETRICS)
		p = put(p, OPENMETRICS_END, strlen(OPENMETRICS_END));
	out->len = (size_t)(p - out->data);
}
