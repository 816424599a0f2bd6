/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the kernel side can check of a route: the literal ends of its request line. Pure. */
#include <linux/types.h>
#include <stdbool.h>

#include "include/watch.h"

/* pattern: a path with segments in braces. -E2BIG: the text before the first of them, or behind the last, is too long. */
int route_filter_make(const char *method, const char *pattern, bool executes,
		      struct route_filter *ret);
