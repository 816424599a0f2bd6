/* SPDX-License-Identifier: Apache-2.0 */
#include "run/text.h"

#include <string.h>

_Static_assert(REQUEST_HEAD_BYTES + REQUEST_TAIL_BYTES <= sizeof(((struct text *)0)->data),
	       "a captured request fits");

static bool peer_seen(const struct stream *stream)
{
	return stream->peer.bytes > 0 || stream->peer.eof_ns || stream->peer.error;
}

bool stream_peer_counts(const struct stream *stream)
{
	return peer_seen(stream) && !(stream->flags & STREAM_SHARED);
}

/*
 * What was read was written, and who met the end had read all of that. Where the other end's transfers come to less, the
 * kernel has left out a program that would have seen one of them, or it moved bytes in a way that nobody sees.
 */
static bool peer_has_gap(const struct stream *stream, enum stdio_index index)
{
	return stream->peer.bytes < stream->self.bytes &&
	       (index == STDIO_IN || stream->peer.eof_ns);
}

const struct flow *stream_counted(const struct run *run, enum stdio_index index)
{
	const struct stream *stream = &run->stdio[index];

	if (stream_peer_counts(stream) && !(stream->flags & STREAM_EARLY) &&
	    !peer_has_gap(stream, index))
		return &stream->peer;
	return &stream->self;
}

uint64_t stream_eof_ns(const struct stream *stream)
{
	return stream_peer_counts(stream) ? stream->peer.eof_ns : 0;
}

/* Where in a record the two ends of a payload lie, as include/run.h lays them out. */
struct capture {
	size_t head;
	size_t tail;
	size_t head_cap;
	size_t tail_cap;
};

#define CAPTURE(member)                                                                            \
	{                                                                                          \
		.head = offsetof(struct run, member.head),                                         \
		.tail = offsetof(struct run, member.tail),                                         \
		.head_cap = sizeof(((struct run *)0)->member.head),                                \
		.tail_cap = sizeof(((struct run *)0)->member.tail),                                \
	}

static const struct capture request_self = CAPTURE(request_self);
static const struct capture request_peer = CAPTURE(request_peer);
static const struct capture reply_self = CAPTURE(reply_self);
static const struct capture reply_peer = CAPTURE(reply_peer);

/* How much of a payload lies in the head, and how much of the rest in the ring. */
static size_t head_bytes(const struct capture *capture, uint64_t bytes)
{
	return bytes < capture->head_cap ? bytes : capture->head_cap;
}

static size_t ring_bytes(const struct capture *capture, uint64_t bytes)
{
	uint64_t rest = bytes - head_bytes(capture, bytes);

	return rest < capture->tail_cap ? rest : capture->tail_cap;
}

/* Where the last n bytes begin in the ring, and how many of them lie before its end. */
static size_t ring_begin(const struct capture *capture, uint64_t bytes, size_t n, size_t *ret_first)
{
	size_t at = (bytes - n) % capture->tail_cap;
	size_t room = capture->tail_cap - at;

	*ret_first = n < room ? n : room;
	return capture->tail + at;
}

static void text_load(const struct run *run, const struct capture *capture, uint64_t bytes,
		      struct text *ret)
{
	size_t head = head_bytes(capture, bytes), tail = ring_bytes(capture, bytes), first;
	size_t begin = ring_begin(capture, bytes, tail, &first);
	const uint8_t *record = (const uint8_t *)run;

	memset(ret, 0, sizeof(*ret));
	ret->bytes = bytes;
	ret->whole = bytes == head + tail;
	memcpy(ret->data, record + capture->head, head);
	memcpy(ret->data + head, record + begin, first);
	memcpy(ret->data + head + first, record + capture->tail, tail - first);
	ret->head_bytes = ret->whole ? bytes : head;
	ret->tail_bytes = ret->whole ? bytes : tail;
	ret->tail_at = ret->whole ? 0 : head;
}

static void text_store(const struct text *text, const struct capture *capture, struct run *run)
{
	size_t head = head_bytes(capture, text->bytes), tail = ring_bytes(capture, text->bytes);
	size_t first, begin = ring_begin(capture, text->bytes, tail, &first);
	uint8_t *record = (uint8_t *)run;

	memcpy(record + capture->head, text->data, head);
	memcpy(record + begin, text->data + head, first);
	memcpy(record + capture->tail, text->data + head + first, tail - first);
}

/* The side of the run's stdout that counts, or the other one. */
static bool reply_is_peers(const struct run *run, bool other)
{
	const struct stream *stream = &run->stdio[STDIO_OUT];

	return (stream_counted(run, STDIO_OUT) == &stream->peer) != other;
}

void text_of_reply(const struct run *run, bool other, struct text *ret)
{
	const struct stream *stream = &run->stdio[STDIO_OUT];

	if (reply_is_peers(run, other))
		text_load(run, &reply_peer, stream->peer.bytes, ret);
	else
		text_load(run, &reply_self, stream->self.bytes, ret);
}

void text_to_reply(const struct text *text, bool other, struct run *run)
{
	text_store(text, reply_is_peers(run, other) ? &reply_peer : &reply_self, run);
}

bool text_may_have_holes(const struct run *run)
{
	return run->faults || run->stdio[STDIO_IN].flags & STREAM_EARLY;
}

static bool request_seen_by_peer(const struct run *run)
{
	const struct stream *stream = &run->stdio[STDIO_IN];

	if (stream->flags & STREAM_SHARED)
		return false;
	if ((stream->flags & STREAM_EARLY) || (run->flags & RUN_ADOPTED))
		return stream->peer.bytes > stream->self.bytes;
	return stream_counted(run, STDIO_IN) == &stream->peer;
}

/* The writer had more than the pipe took; the kernel side saw the end of it in the writer's buffer. */
static bool request_unwritten(const struct run *run)
{
	return run->request_offered_bytes > run->stdio[STDIO_IN].peer.bytes &&
	       run->stdio[STDIO_IN].peer.bytes >= REQUEST_HEAD_BYTES;
}

static void text_load_unwritten(const struct run *run, struct text *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->bytes = run->request_offered_bytes;
	ret->unwritten = true;
	ret->head_bytes = REQUEST_HEAD_BYTES;
	ret->tail_at = REQUEST_HEAD_BYTES;
	ret->tail_bytes = REQUEST_TAIL_BYTES;
	memcpy(ret->data, run->request_peer.head, REQUEST_HEAD_BYTES);
	memcpy(ret->data + ret->tail_at, run->request_offered_tail, REQUEST_TAIL_BYTES);
}

void text_of_request(const struct run *run, bool other, struct text *ret)
{
	const struct stream *stream = &run->stdio[STDIO_IN];

	if (request_seen_by_peer(run) == other)
		text_load(run, &request_self, stream->self.bytes, ret);
	else if (request_unwritten(run))
		text_load_unwritten(run, ret);
	else
		text_load(run, &request_peer, stream->peer.bytes, ret);
}

void text_to_request(const struct text *text, bool other, struct run *run)
{
	if (request_seen_by_peer(run) == other) {
		text_store(text, &request_self, run);
	} else if (text->unwritten) {
		memcpy(run->request_peer.head, text_head(text), REQUEST_HEAD_BYTES);
		memcpy(run->request_offered_tail, text_tail(text), REQUEST_TAIL_BYTES);
	} else {
		text_store(text, &request_peer, run);
	}
}

static bool is_wide_space(uint32_t code)
{
	return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

static bool is_ascii_space(uint8_t c)
{
	return (c >= '\t' && c <= '\r') || c == ' ';
}

/* Whether the n bytes at p, two or three, are one character of white space. */
static bool is_long_space(const uint8_t *p, size_t n)
{
	if (n == 2)
		return p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0);
	return (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
	       is_wide_space((p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu));
}

size_t text_skip_space(const uint8_t *p, size_t n)
{
	size_t at = 0, len;

	do {
		while (at < n && is_ascii_space(p[at]))
			at++;
		for (len = 3; len > 1; len--) {
			if (len <= n - at && is_long_space(p + at, len))
				break;
		}
		at += len > 1 ? len : 0;
	} while (len > 1);
	return at;
}

/* Many at once: what is left of a record without payload is mostly these. */
static size_t trim_blanks(const uint8_t *p, size_t n)
{
	static const uint8_t blanks[] = "                ";
	const size_t step = sizeof(blanks) - 1;

	while (n >= step && memcmp(p + n - step, blanks, step) == 0)
		n -= step;
	while (n > 0 && is_ascii_space(p[n - 1]))
		n--;
	return n;
}

size_t text_trim_end(const uint8_t *p, size_t n)
{
	size_t len;

	do {
		n = trim_blanks(p, n);
		for (len = 3; len > 1; len--) {
			if (len <= n && is_long_space(p + n - len, len))
				break;
		}
		n -= len > 1 ? len : 0;
	} while (len > 1);
	return n;
}
