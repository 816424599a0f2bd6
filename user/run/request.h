/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the request says, read from its first bytes and, for the timeout, its last.
 * Keys may come in any order; of a long request only those in the captured head are seen.
 */
#include <stdbool.h>
#include <stdint.h>

#include "run/report.h"
#include "run/text.h"

struct request {
	bool has_tool_id; /* an object with a tool_id, well-formed or not: a worker's request */
	bool complete;	  /* nothing of it is missing at the end */
	char tool_id[TOOL_ID_BYTES + 1]; /* TOOL_ID_INVALID where it cannot be a label; "" */
	char tool_exec_id[TOOL_EXEC_ID_BYTES + 1]; /* "" where not known */
	uint64_t timeout_ms;			   /* 0 = not known */
};

void request_read(const struct text *text, struct request *ret);
