/* SPDX-License-Identifier: Apache-2.0 */
/* A request of any length, as both sides would have captured it. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "run/request.h"
#include "tests/unit/run/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct request *request)
{
	if (!utf8_valid(request->tool_id, strlen(request->tool_id)) ||
	    !utf8_valid(request->tool_exec_id, strlen(request->tool_exec_id)))
		abort();
	if (request->has_tool_id != (request->tool_id[0] != '\0'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct run run;
	struct request request;
	struct text text;

	build_request_written(&run, data, n);
	build_request_read(&run, data, n);
	for (int other = 0; other < 2; other++) {
		text_of_request(&run, other, &text);
		request_read(&text, &request);
		check(&request);
	}
	return 0;
}
