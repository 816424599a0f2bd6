/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The processes that execute Bun already, from /proc. */
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "include/watch.h"

/*
 * Calls put() for each process whose executable matches one of the globs. Processes that end meanwhile,
 * or that may not be looked at, are passed over. Number of adoptees; what put() returned when it is
 * negative; -errno when /proc cannot be read.
 */
int adoptees_find(const char *const *exe_globs, size_t count,
		  int (*put)(void *arg, uint32_t pid, const struct adoptee *adoptee), void *arg);
