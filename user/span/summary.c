/* SPDX-License-Identifier: Apache-2.0 */
#include "span/summary.h"

#include "base/cleanup.h"

/* The first of these that it has. */
static const char *const about_keys[] = {"tool_id", "task_id", "agent_id", "workflow_id"};
static const char *const end_keys[] = {"error_kind", "error_type", "http.response.status_code"};

static const struct attribute *first_of(const struct span *span, const char *const *keys,
					size_t count)
{
	const struct attribute *found = NULL;

	for (size_t i = 0; i < count && !found; i++)
		found = span_find(span, keys[i]);
	return found;
}

const struct attribute *summary_about(const struct span *span)
{
	return first_of(span, about_keys, ARRAY_SIZE(about_keys));
}

const struct attribute *summary_end(const struct span *span)
{
	return first_of(span, end_keys, ARRAY_SIZE(end_keys));
}
