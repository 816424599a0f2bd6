/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a scraper asked for, from its request headers (RFC 9110 §12.5). Pure. */
#include <stdbool.h>

#include "metric/metric.h"

/* The format that an Accept header prefers; text 0.0.4 for NULL, a tie and a header that accepts
 * neither. */
enum metric_format negotiate_format(const char *accept);
/* Whether an Accept-Encoding header asks for gzip; false for NULL. */
bool negotiate_gzip(const char *accept_encoding);
