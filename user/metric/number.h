/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Decimal text of unsigned integers with a fixed number of digits behind the point. No floats. */
#include <stdbool.h>
#include <stdint.h>

#define NUMBER_SCALE_MAX 19 /* 10^19 is the largest power of ten in 64 bits */
/* Longest text, "0." and 19 digits, or e-19 with 20 digits, and what number_write() scribbles
 * behind it. */
#define NUMBER_BYTES 32

/*
 * Writes value / 10^scale at p, exactly and without trailing zeros: 1500000000 with scale 9 is
 * "1.5". Returns the end of the text. NUMBER_BYTES at p must be writable; no NUL is written.
 */
char *number_write(char *p, uint64_t value, unsigned scale);
/*
 * The same as the value of an `le` label: as Go's %g, which is what client libraries print
 * ("1e+06"), and for OpenMetrics with ".0" behind whole numbers (OpenMetrics 1.0.0, "Canonical
 * Numbers").
 */
char *number_write_bound(char *p, uint64_t value, unsigned scale, bool openmetrics);
