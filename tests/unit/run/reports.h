/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whether two reports say the same; what lies behind the end of a string says nothing. */
#include <stdbool.h>
#include <string.h>

#include "run/report.h"

static inline bool reports_equal(const struct report *a, const struct report *b)
{
	struct report first = *a, second = *b;
	bool same = strcmp(a->tool_id, b->tool_id) == 0 &&
		    strcmp(a->tool_exec_id, b->tool_exec_id) == 0;

	memset(first.tool_id, 0, sizeof(first.tool_id));
	memset(second.tool_id, 0, sizeof(second.tool_id));
	memset(first.tool_exec_id, 0, sizeof(first.tool_exec_id));
	memset(second.tool_exec_id, 0, sizeof(second.tool_exec_id));
	return same && memcmp(&first, &second, sizeof(first)) == 0;
}
