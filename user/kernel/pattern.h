/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the exec filter in the kernel can check of a glob. Pure. */
#include <linux/types.h>

#include "include/watch.h"

/* -EINVAL: empty. -E2BIG: a literal end is longer than EXE_LITERAL_BYTES. */
int pattern_from_glob(const char *glob, struct exe_pattern *ret);
