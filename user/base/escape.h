/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* UTF-8 and JSON string escapes, for everything that prints bytes from watched processes. */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Well-formed UTF-8 without NUL: shortest forms, no surrogates, at most U+10FFFF. */
bool utf8_valid(const void *bytes, size_t n);
/* Appends a JSON string with its quotes; ill-formed UTF-8 becomes U+FFFD, one a byte. */
void json_append_string(struct buf *buf, const void *bytes, size_t n);
