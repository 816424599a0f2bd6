/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What follows from a family alone: whether it is well-formed, and the comment lines above its
 * series. */
#include "metric/metric.h"

size_t family_labels(const struct family *family);
size_t family_buckets(const struct family *family);
/* Legal names, a name that ends with the unit (and a counter's with _total), ascending buckets. */
bool family_valid(const struct family *family, const char *prefix);
/* HELP, TYPE and, in OpenMetrics, UNIT. */
void family_append_comments(const struct family *family, const char *prefix,
			    enum metric_format format, struct buf *out);
/* The escapes of label values; OpenMetrics uses them for help as well. */
void append_escaped(struct buf *out, const char *text, bool quotes);
