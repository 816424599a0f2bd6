/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "metric/family.h"
#include "metric/number.h"
#include "metric/series.h"

/* Values of one series, each with its NUL. */
#define KEY_BYTES (METRIC_LABELS_MAX * (METRIC_LABEL_BYTES + 1))

static struct label_set *find_set(const struct registry *registry, const char *label)
{
	struct label_set *set = registry->sets;

	while (set && strcmp(set->name, label) != 0)
		set = set->next;
	return set;
}

static int open_labels(struct registry *registry, struct metric *metric, unsigned limit)
{
	for (size_t i = 0; i < metric->labels; i++) {
		const char *label = metric->family->labels[i];

		if (!(metric->family->bounded & 1u << i))
			continue;
		metric->open[i] = find_set(registry, label);
		if (metric->open[i])
			continue;
		metric->open[i] = label_set_new(label, limit);
		if (!metric->open[i])
			return -ENOMEM;
		metric->open[i]->next = registry->sets;
		registry->sets = metric->open[i];
	}
	return 0;
}

static void bound_write(struct bound_text *bound, const struct metric *metric, size_t i,
			enum metric_format format)
{
	char *end = stpcpy(bound->text, "+Inf");

	if (i < metric->buckets)
		end = number_write_bound(bound->text, metric->family->buckets[i],
					 metric->family->scale,
					 format == METRIC_FORMAT_OPENMETRICS);
	memcpy(end, "\"} ", 3);
	bound->bytes = (size_t)(end + 3 - bound->text);
}

static int make_texts(struct metric *metric, enum metric_format format)
{
	struct buf *comments = &metric->comments[format];

	family_append_comments(metric->family, metric->prefix, format, comments);
	if (buf_error(comments) < 0)
		return buf_error(comments);
	if (metric->family->type != METRIC_HISTOGRAM)
		return 0;

	struct bound_text *bounds = calloc(metric->buckets + 1, sizeof(*bounds));
	if (!bounds)
		return -ENOMEM;
	for (size_t i = 0; i <= metric->buckets; i++)
		bound_write(&bounds[i], metric, i, format);
	metric->bounds[format] = bounds;
	return 0;
}

static int metric_init(struct registry *registry, struct metric *metric,
		       const struct family *family, unsigned max_label_values)
{
	if (!family_valid(family, registry->prefix))
		return -EINVAL;

	metric->family = family;
	metric->registry = registry;
	metric->prefix = registry->prefix;
	metric->labels = family_labels(family);
	metric->buckets = family_buckets(family);
	for (int format = 0; format < METRIC_FORMATS; format++) {
		int r = make_texts(metric, (enum metric_format)format);
		if (r < 0)
			return r;
	}
	return open_labels(registry, metric, max_label_values);
}

static void cleanup_registry(struct registry **registry)
{
	registry_free(registry);
}

int registry_new(const struct family *families, size_t count, const char *prefix,
		 unsigned max_label_values, struct registry **ret)
{
	_cleanup_(cleanup_registry) struct registry *registry = calloc(1, sizeof(*registry));
	if (!registry)
		return -ENOMEM;

	registry->prefix = strdup(prefix);
	registry->metrics = calloc(count, sizeof(*registry->metrics));
	if (!registry->prefix || !registry->metrics)
		return -ENOMEM;
	registry->count = count;
	for (size_t i = 0; i < count; i++) {
		int r = metric_init(registry, &registry->metrics[i], &families[i],
				    max_label_values);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(registry);
	return 0;
}

static void free_series(struct metric *metric)
{
	while (metric->first) {
		struct series *next = metric->first->next;
		free(metric->first->exemplars);
		free(metric->first);
		metric->first = next;
	}
	metric->last = NULL;
	table_free(&metric->index);
}

static void metric_free(struct metric *metric)
{
	free_series(metric);
	for (int format = 0; format < METRIC_FORMATS; format++) {
		buf_free(&metric->comments[format]);
		free(metric->bounds[format]);
	}
}

void registry_free(struct registry **registry)
{
	struct registry *old = take_ptr(*registry);

	if (!old)
		return;
	for (size_t i = 0; old->metrics && i < old->count; i++)
		metric_free(&old->metrics[i]);
	while (old->sets) {
		struct label_set *next = old->sets->next;
		label_set_free(&old->sets);
		old->sets = next;
	}
	free(old->metrics);
	free(old->prefix);
	free(old);
}

const char *registry_label_value(struct registry *registry, const char *label, const char *value,
				 size_t n)
{
	struct label_set *set = find_set(registry, label);

	assert(set);
	return label_set_value(set, value, n);
}

const char *registry_label_peek(struct registry *registry, const char *label, const char *value,
				size_t n)
{
	struct label_set *set = find_set(registry, label);

	assert(set);
	return label_set_peek(set, value, n);
}

int registry_label_own(struct registry *registry, const char *label, const char *value)
{
	struct label_set *set = find_set(registry, label);

	assert(set);
	return label_set_own(set, value);
}

uint64_t registry_overflows(const struct registry *registry, const char *label)
{
	const struct label_set *set = find_set(registry, label);

	return set ? set->overflows : 0;
}

/* Closed sets are the caller's own words, yet some are made of what a system says: `hook`,
 * `version`. */
static const char *canonical_value(const struct metric *metric, size_t i, const char *value)
{
	size_t n = strnlen(value, METRIC_LABEL_BYTES + 1);

	if (metric->open[i])
		return label_set_value(metric->open[i], value, n);
	return label_value_valid(value, n) ? value : METRIC_VALUE_INVALID;
}

static struct series *add_series(struct registry *registry, struct metric *metric,
				 const char *const *values, const char *key, size_t key_bytes)
{
	_cleanup_free_ struct series *series = series_new(metric, values, key, key_bytes);

	if (!series || table_put(&metric->index, series->key, key_bytes, series) < 0)
		return NULL;
	if (metric->last)
		metric->last->next = series;
	else
		metric->first = series;
	metric->last = series;
	registry->lines += series_lines(series);
	registry->line_bytes += series_bytes_max(series);
	return take_ptr(series);
}

struct series *registry_series(struct registry *registry, size_t index, const char *const *values)
{
	const char *canonical[METRIC_LABELS_MAX];
	char key[KEY_BYTES];
	char *end = key;

	assert(index < registry->count);
	struct metric *metric = &registry->metrics[index];
	for (size_t i = 0; i < metric->labels; i++) {
		canonical[i] = canonical_value(metric, i, values[i]);
		end = stpcpy(end, canonical[i]) + 1;
	}

	size_t key_bytes = (size_t)(end - key);
	struct series *series = table_get(&metric->index, key, key_bytes);
	return series ? series : add_series(registry, metric, canonical, key, key_bytes);
}

void registry_zero(struct registry *registry, size_t index)
{
	assert(index < registry->count && registry->metrics[index].family->type == METRIC_GAUGE);
	for (struct series *series = registry->metrics[index].first; series; series = series->next)
		series_set(series, 0);
}

void registry_clear(struct registry *registry, size_t index)
{
	assert(index < registry->count);
	struct metric *metric = &registry->metrics[index];

	assert(metric->family->type == METRIC_GAUGE);
	for (const struct series *series = metric->first; series; series = series->next) {
		registry->lines -= series_lines(series);
		registry->line_bytes -= series_bytes_max(series);
	}
	free_series(metric);
}

void registry_hide(struct registry *registry, size_t index)
{
	assert(index < registry->count);
	registry->metrics[index].hidden = true;
}

size_t registry_lines(const struct registry *registry)
{
	return registry->lines;
}
