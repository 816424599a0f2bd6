/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses JSON or protobuf; whatever follows, no more is rejected than was sent. */
#include <stdlib.h>

#include "otlp/encode.h"

#define SENT 512

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct otlp_answer answer;

	if (n == 0)
		return 0;
	int r = otlp_answer_read(bytes + 1, n - 1, bytes[0] & 1, SENT, &answer);
	if (r > 0 || answer.rejected > SENT || strlen(answer.message) > OTLP_ANSWER_MESSAGE_BYTES)
		abort();
	for (const char *p = answer.message; *p; p++) {
		if (*p < ' ' || *p > '~')
			abort();
	}
	return 0;
}
