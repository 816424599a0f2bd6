/* SPDX-License-Identifier: Apache-2.0 */
/* What is passed on is printable, fits, and has a member. */
#include <stdlib.h>
#include <string.h>

#include "span/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (!tracestate_valid((const char *)bytes, n))
		return 0;
	if (n > TRACESTATE_BYTES || !memchr(bytes, '=', n))
		abort();
	for (size_t i = 0; i < n; i++) {
		if ((bytes[i] < ' ' && bytes[i] != '\t') || bytes[i] > '~')
			abort();
	}
	return 0;
}
