/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Spans as a small tree for a terminal, a line or two each: what it was, since when, how long, how it ended. Pure. */
#include "base/buf.h"
#include "span/span.h"

/* Where a span stands among those that are told of together. */
struct span_place {
	bool child; /* of the one told of before that was none */
	bool last;  /* no more of them follow */
};

struct tree {
	uint64_t root_ns; /* since when a child's time counts */
};

/* The next span. Whatever is in it, no control character is printed. */
void tree_append(struct tree *tree, const struct span *span, const struct span_place *place,
		 struct buf *out);
