/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the server makes of a worker's stdout: trimmed, nothing is success; else it must be one JSON
 * object or null; an `error` that is present and not null is a failure. A reply that was captured
 * whole is parsed. Of a longer one both ends must look as the worker writes them.
 */
#include "run/text.h"

enum reply_verdict {
	REPLY_EMPTY, /* counts as success */
	REPLY_SUCCESS,
	REPLY_FAILURE,
	REPLY_CORRUPT,
};

enum reply_verdict reply_judge(const struct text *text);
