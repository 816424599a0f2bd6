/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From bytes of the ring or the map to a record that later code can trust: the only place that
 * casts them. Only bounds are promised. Captured payload, arguments and names stay hostile text.
 */
#include <linux/types.h>
#include <stddef.h>

#include "include/run.h"

/* X(enum suffix, label value): the label is `kind` of bunscope_decode_errors_total. */
#define DECODE_ERRORS(X)                                                                           \
	X(SIZE, "size")	    /* not one record, or not aligned as one */                            \
	X(KEY, "key")	    /* no pid or no start */                                               \
	X(BOUNDS, "bounds") /* a length, kind, errno, signal or status out of range */             \
	X(TIMES, "times")   /* something before the fork */                                        \
	X(TEXT, "text")	    /* a string without its NUL */

enum decode_error {
	DECODE_OK = 0,
#define X(name, value) DECODE_##name,
	DECODE_ERRORS(X)
#undef X
		DECODE_COUNT,
};

/* By enum decode_error; that of DECODE_OK is "". */
extern const char *const decode_error_names[DECODE_COUNT];

/*
 * DECODE_OK and *ret pointing into bytes, which must outlive it; else why not, with *ret untouched.
 * A record still under way is accepted too: its exit_ns is 0.
 */
enum decode_error run_decode(const void *bytes, size_t n, const struct run **ret);
