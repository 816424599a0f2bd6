/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* W3C Trace Context (Recommendation, level 1): who asked, in two request headers. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/limits.h"

#define TRACE_ID_BYTES 16
#define SPAN_ID_BYTES 8

struct trace_id {
	uint8_t bytes[TRACE_ID_BYTES];
};

struct span_id {
	uint8_t bytes[SPAN_ID_BYTES];
};

struct trace_context {
	struct trace_id trace;
	struct span_id parent;
	bool sampled;
};

/* A traceparent header's value, without white space around it. False: malformed, ret untouched. */
bool traceparent_read(const char *text, size_t n, struct trace_context *ret);
/* Whether a tracestate header's value is well-formed; one that is not is not passed on. */
bool tracestate_valid(const char *text, size_t n);

static inline bool span_id_is_set(const struct span_id *id)
{
	uint8_t any = 0;

	for (int i = 0; i < SPAN_ID_BYTES; i++)
		any |= id->bytes[i];
	return any != 0;
}

/* Lower-case hexadecimal and a NUL: room for 2 * n + 1. */
void id_hex(const uint8_t *bytes, size_t n, char *ret);
