/* SPDX-License-Identifier: Apache-2.0 */
/* A reply of any length. White space around it must not change what it is. */
#include <stdlib.h>
#include <string.h>

#include "run/reply.h"
#include "tests/unit/run/builder.h"

#define CAPTURED (REPLY_HEAD_BYTES + REPLY_TAIL_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum reply_verdict judge(const uint8_t *bytes, size_t n)
{
	static struct run run;
	struct text text;

	build_reply(&run, bytes, n);
	text_of_reply(&run, false, &text);
	return reply_judge(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	enum reply_verdict verdict = judge(data, n);
	uint8_t spaced[CAPTURED];

	if (n + 2 > sizeof(spaced))
		return 0;
	spaced[0] = '\n';
	memcpy(spaced + 1, data, n);
	spaced[n + 1] = ' ';
	if (judge(spaced, n + 2) != verdict)
		abort();
	return 0;
}
