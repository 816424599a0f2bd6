/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* Shell pattern on a path: `*` and `?` match `/` too. A pattern without `/` is matched with the base name. */
bool glob_match_path(const char *pattern, const char *path);
