/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * `key=value,key=value`, as OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES have it (W3C baggage): values
 * percent-encoded, blanks around either ignored. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#define PAIRS_MAX 32
#define PAIRS_BYTES 8192

struct pairs {
	size_t count;
	const char *keys[PAIRS_MAX]; /* into text */
	const char *values[PAIRS_MAX];
	char text[PAIRS_BYTES];
};

/* False: malformed, not UTF-8, or too much of it; what ret holds then is of no use. "" is no pair. */
bool pairs_read(const char *list, struct pairs *ret);
