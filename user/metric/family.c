/* SPDX-License-Identifier: Apache-2.0 */
#include "metric/family.h"

#include <string.h>

#include "metric/number.h"

#define COUNTER_SUFFIX "_total"

static const char *const type_names[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

size_t family_labels(const struct family *family)
{
	size_t n = 0;

	while (n < METRIC_LABELS_MAX && family->labels[n])
		n++;
	return n;
}

size_t family_buckets(const struct family *family)
{
	size_t n = 0;

	while (n < METRIC_BUCKETS_MAX && family->buckets[n])
		n++;
	return n;
}

static bool name_valid(const char *name, bool colons)
{
	size_t n = strlen(name);
	const char *legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789:";

	return n > 0 && strspn(name, legal) == n && !(name[0] >= '0' && name[0] <= '9') &&
	       (colons || !strchr(name, ':'));
}

static bool ends_with(const char *name, size_t n, const char *suffix)
{
	size_t len = strlen(suffix);

	return n > len && memcmp(name + n - len, suffix, len) == 0;
}

/* Length of the name without a counter's suffix: what OpenMetrics calls the family. */
static size_t base_bytes(const struct family *family)
{
	size_t n = strlen(family->name);

	return family->type == METRIC_COUNTER ? n - strlen(COUNTER_SUFFIX) : n;
}

static const char *unit_of(const struct family *family)
{
	return family->unit ? family->unit : "";
}

static bool unit_valid(const struct family *family)
{
	size_t n = base_bytes(family);
	size_t len = strlen(unit_of(family));

	return len == 0 ||
	       (ends_with(family->name, n, unit_of(family)) && family->name[n - len - 1] == '_');
}

static bool labels_valid(const struct family *family)
{
	size_t n = family_labels(family);

	for (size_t i = 0; i < n; i++) {
		if (!name_valid(family->labels[i], false))
			return false;
	}
	return family->bounded >> n == 0;
}

static bool buckets_valid(const struct family *family)
{
	size_t n = family_buckets(family);

	for (size_t i = 1; i < n; i++) {
		if (family->buckets[i - 1] >= family->buckets[i])
			return false;
	}
	return n == 0 || family->type == METRIC_HISTOGRAM;
}

bool family_valid(const struct family *family, const char *prefix)
{
	if (!family->help || !name_valid(family->name, true) ||
	    (prefix[0] && !name_valid(prefix, true)))
		return false;
	if (family->type == METRIC_COUNTER &&
	    !ends_with(family->name, strlen(family->name), COUNTER_SUFFIX))
		return false;
	return family->scale <= NUMBER_SCALE_MAX && unit_valid(family) && labels_valid(family) &&
	       buckets_valid(family);
}

void append_escaped(struct buf *out, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_append_cstr(out, "\\n");
		else if (*text == '\\' || (quotes && *text == '"'))
			buf_append(out, (char[]){'\\', *text}, 2);
		else
			buf_append_char(out, *text);
	}
}

static void append_comment(struct buf *out, const char *keyword, const char *name, const char *text,
			   bool quotes)
{
	buf_printf(out, "# %s %s ", keyword, name);
	append_escaped(out, text, quotes);
	buf_append_char(out, '\n');
}

void family_append_comments(const struct family *family, const char *prefix,
			    enum metric_format format, struct buf *out)
{
	bool openmetrics = format == METRIC_FORMAT_OPENMETRICS;
	_cleanup_buf_ struct buf full = {};

	buf_append_cstr(&full, family->own ? "" : prefix);
	buf_append(&full, family->name, openmetrics ? base_bytes(family) : strlen(family->name));
	const char *name = buf_cstr(&full);

	if (!openmetrics)
		append_comment(out, "HELP", name, family->help, false);
	append_comment(out, "TYPE", name, type_names[family->type], false);
	if (openmetrics && unit_of(family)[0])
		append_comment(out, "UNIT", name, unit_of(family), false);
	if (openmetrics)
		append_comment(out, "HELP", name, family->help, true);
	if (buf_error(&full) < 0)
		out->error = buf_error(&full);
}
