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

const struct flow *stream_counted(const struct stream *stream)
{
	if (stream_peer_counts(stream) && !(stream->flags & STREAM_EARLY))
		return &stream->peer;
	return &stream->self;
}

uint64_t stream_eof_ns(const struct stream *stream)
{
	return stream_peer_counts(stream) ? stream->peer.eof_ns : 0;
}

/* The two ends of a payload as include/run.h lays them out. */
struct capture {
	const uint8_t *head;
	const uint8_t *tail;
	size_t head_cap;
	size_t tail_cap;
};

/* Copies the last n bytes of a payload of `bytes` bytes out of the ring. */
static void capture_unroll(const struct capture *capture, uint64_t bytes, size_t n, uint8_t *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = capture->tail[(bytes - n + i) % capture->tail_cap];
}

static void text_load(const struct capture *capture, uint64_t bytes, struct text *ret)
{
	size_t head = bytes < capture->head_cap ? bytes : capture->head_cap;
	size_t room = capture->head_cap + capture->tail_cap;
	size_t tail;

	memset(ret, 0, sizeof(*ret));
	ret->bytes = bytes;
	ret->whole = bytes <= room;
	tail = ret->whole ? bytes - head : capture->tail_cap;
	memcpy(ret->data, capture->head, head);
	capture_unroll(capture, bytes, tail, ret->data + head);
	ret->head_bytes = ret->whole ? bytes : head;
	ret->tail_bytes = ret->whole ? bytes : tail;
	ret->tail_at = ret->whole ? 0 : head;
}

void text_of_reply(const struct run *run, bool other, struct text *ret)
{
	const struct stream *stream = &run->stdio[STDIO_OUT];
	bool peer = (stream_counted(stream) == &stream->peer) != other;
	const struct reply_text *reply = peer ? &run->reply_peer : &run->reply_self;
	const struct capture capture = {
		.head = reply->head,
		.tail = reply->tail,
		.head_cap = REPLY_HEAD_BYTES,
		.tail_cap = REPLY_TAIL_BYTES,
	};

	text_load(&capture, peer ? stream->peer.bytes : stream->self.bytes, ret);
}

static bool request_seen_by_peer(const struct run *run)
{
	const struct stream *stream = &run->stdio[STDIO_IN];

	if (stream->flags & STREAM_SHARED)
		return false;
	if ((stream->flags & STREAM_EARLY) || (run->flags & RUN_ADOPTED))
		return stream->peer.bytes > stream->self.bytes;
	return stream_counted(stream) == &stream->peer;
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
	bool peer = request_seen_by_peer(run) != other;
	const struct request_text *request = peer ? &run->request_peer : &run->request_self;
	const struct capture capture = {
		.head = request->head,
		.tail = request->tail,
		.head_cap = REQUEST_HEAD_BYTES,
		.tail_cap = REQUEST_TAIL_BYTES,
	};

	if (peer && request_unwritten(run))
		text_load_unwritten(run, ret);
	else
		text_load(&capture, peer ? stream->peer.bytes : stream->self.bytes, ret);
}

static bool is_wide_space(uint32_t code)
{
	return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

/* Whether the n bytes at p, one to three, are one character of white space. */
static bool space_is(const uint8_t *p, size_t n)
{
	if (n == 1)
		return (p[0] >= '\t' && p[0] <= '\r') || p[0] == ' ';
	if (n == 2)
		return p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0);
	return (p[0] & 0xf0) == 0xe0 && (p[1] & 0xc0) == 0x80 && (p[2] & 0xc0) == 0x80 &&
	       is_wide_space((p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu));
}

size_t text_skip_space(const uint8_t *p, size_t n)
{
	size_t at = 0, len;

	do {
		for (len = 3; len > 0; len--) {
			if (len <= n - at && space_is(p + at, len))
				break;
		}
		at += len;
	} while (len > 0);
	return at;
}

size_t text_trim_end(const uint8_t *p, size_t n)
{
	size_t len;

	do {
		for (len = 3; len > 0; len--) {
			if (len <= n && space_is(p + n - len, len))
				break;
		}
		n -= len;
	} while (len > 0);
	return n;
}
