/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/buf.h"

/* Appends a whole file. 0 or -errno; -EFBIG when it is longer than max bytes, -EKEYREJECTED when everybody may write it. */
int file_read(const char *path, size_t max, struct buf *ret);
/* What to say of such an error. */
const char *file_problem(int r);
