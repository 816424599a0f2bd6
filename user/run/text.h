/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What was captured of a request or a reply, as plain text: which side's view counts, its ring
 * unrolled.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"

struct text {
	uint64_t bytes; /* of the whole payload, captured or not */
	bool whole;	/* everything was captured: head is the payload and tail the same bytes */
	bool unwritten; /* its end never got into the stream: the writer only had it in its buffer */
	size_t head_bytes; /* at data[0] */
	size_t tail_bytes; /* at data[tail_at] */
	size_t tail_at;
	uint8_t data[REPLY_HEAD_BYTES + REPLY_TAIL_BYTES];
};

static inline const uint8_t *text_head(const struct text *text)
{
	return text->data;
}

static inline const uint8_t *text_tail(const struct text *text)
{
	return text->data + text->tail_at;
}

/* The other end was seen to do anything, and what it did belongs to this run. */
bool stream_peer_counts(const struct stream *stream);
/* The side whose bytes are the run's: the other end's where it counts and saw all, else the run's own. */
const struct flow *stream_counted(const struct run *run, enum stdio_index index);
/* When the reader met the end of the stream; 0 = not seen. */
uint64_t stream_eof_ns(const struct stream *stream);

/* The reply as the counted side saw it; `other` asks for the side that does not count. */
void text_of_reply(const struct run *run, bool other, struct text *ret);
/*
 * May one side lack what the other has? Memory was not there to read, or the request was being written when the run
 * began: then its start is at the reader's side alone, and what the pipe held already may be counted twice at the writer's.
 */
bool text_may_have_holes(const struct run *run);
/* The request; where either side may have missed its start, the side that captured more. */
void text_of_request(const struct run *run, bool other, struct text *ret);
/* The other way: puts a text of the same length where text_of_…() found it. */
void text_to_reply(const struct text *text, bool other, struct run *run);
void text_to_request(const struct text *text, bool other, struct run *run);

/* White space as the first watched server trims it (Go's unicode.IsSpace, in UTF-8). */
size_t text_skip_space(const uint8_t *p, size_t n); /* how many bytes of it p begins with */
size_t text_trim_end(const uint8_t *p, size_t n);   /* n without what p ends with */
