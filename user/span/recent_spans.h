/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The last spans that were not left out, as the live page draws them: /api/spans. Pure. */
#include "base/buf.h"
#include "span/span.h"

#define RECENT_SPANS 512 /* of the last hundred runs with their exchanges, and room; 300 KB */
#define RECENT_EVENTS_MAX 12
#define RECENT_TEXT_BYTES 128

struct recent_event {
	const char *name;
	uint64_t ns; /* after the span's start */
};

struct recent_span {
	const char *name;
	struct trace_id trace;
	struct span_id id;
	struct span_id parent;
	uint64_t start_ns; /* Unix time */
	uint64_t took_ns;
	bool failed;
	size_t events_count;
	struct recent_event events[RECENT_EVENTS_MAX];
	char about[RECENT_TEXT_BYTES + 1]; /* "" = nobody */
	char tool_exec_id[RECENT_TEXT_BYTES + 1];
};

struct recent_spans {
	struct recent_span spans[RECENT_SPANS]; /* a ring */
	size_t count;				/* ever added */
};

void recent_spans_add(struct recent_spans *recent, const struct span *span);
/*
 * Appends them, the last one last, a JSON object a line: `trace`, `span`, `parent` ("" = a root), `name`, `about`,
 * `tool_exec_id`, `failed`, `started` (Unix time), `seconds`, and `events`, pairs of a name and seconds after its start.
 */
void recent_spans_write(const struct recent_spans *recent, struct buf *out);
