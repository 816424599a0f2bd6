/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 text for a terminal: what it would obey becomes `?`. Widths are counted in characters. */
#include <stddef.h>

#include "base/buf.h"

size_t plain_width(const char *text);
/* At least `width` characters, filled up with blanks; at most `most`, then the last one is `~`. */
void plain_append(struct buf *out, const char *text, size_t width, size_t most);
