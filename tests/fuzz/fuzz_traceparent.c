/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken can be written again as the standard has it, and is the same then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "span/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char trace[2 * TRACE_ID_BYTES + 1], parent[2 * SPAN_ID_BYTES + 1], text[64];
	struct trace_context first, second;

	if (!traceparent_read((const char *)bytes, n, &first))
		return 0;
	id_hex(first.trace.bytes, TRACE_ID_BYTES, trace);
	id_hex(first.parent.bytes, SPAN_ID_BYTES, parent);
	(void)snprintf(text, sizeof(text), "00-%s-%s-%02x", trace, parent, first.sampled);
	if (!span_id_is_set(&first.parent) || !traceparent_read(text, strlen(text), &second) ||
	    memcmp(&first.trace, &second.trace, sizeof(first.trace)) != 0 ||
	    memcmp(&first.parent, &second.parent, sizeof(first.parent)) != 0 ||
	    first.sampled != second.sampled || memcmp(text + 3, bytes + 3, 49) != 0)
		abort();
	return 0;
}
