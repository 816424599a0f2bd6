/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * HTTP/1 as it passes through a socket: where messages, their heads and bodies begin and end (RFC 9112), and the few
 * things of a head that are kept. Bytes come in transfers cut anywhere; heads are looked at line by line in a window
 * of this cpu, bodies are skipped. All that has to outlive a transfer is in the connection.
 */
#include "bpf/connection.h"
#include "bpf/transfer.h"

/* Bytes that are looked at, at a time: a line that has begun, and what follows. */
#define WINDOW_BYTES 4096
#define WINDOW_MASK (WINDOW_BYTES - 1)
#define WINDOW_FRESH (WINDOW_BYTES - HTTP_LINE_BYTES)
/* Words of 8 bytes that one step looks through for the end of a line. */
#define STEP_WORDS 4
/* Steps of one call, and calls a transfer: more than 2000 lines, or 250 KB without any. */
#define SCAN_STEPS 16
#define SCAN_CALLS 256

/* Digits, and blanks before them, of a length or a chunk's size. */
#define NUMBER_BYTES 20
/* A response without a length ends with its connection. */
#define BODY_TO_END_BYTES (1ull << 62)

struct scan {
	struct transfer transfer;
	__u64 socket;
	__u64 now;
	__u64 total; /* bytes of the transfer that were not looked at, those of this piece left out */
	__u64 piece; /* index of the next piece */
	__u64 from;  /* this piece in user memory: what is not in the window yet */
	__u64 left;
	__u64 at;      /* in the window: the next byte to look at */
	__u64 end;     /* behind its last valid byte */
	__u64 line_at; /* where the line begins */
	__u64 eol;     /* where it ends, without its end of line */
	__u8 window[WINDOW_BYTES + sizeof(__u64)];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scan);
} scans SEC(".maps");

const volatile struct route_filter routes[ROUTES_MAX];
const volatile __u32 routes_count;
/* 1 = both ends of the bodies of requests that start an execution are kept. */
const volatile __u32 keep_requests;

/* ---- words of the window ---- */

#define ALL_BYTES(byte) (0x0101010101010101ull * (byte))

static __always_inline __u64 word_at(const struct scan *scan, __u64 at)
{
	barrier_var(at);
	return *(const __u64 *)(scan->window + (at & WINDOW_MASK));
}

static __always_inline __u8 byte_at(const struct scan *scan, __u64 at)
{
	barrier_var(at);
	return scan->window[at & WINDOW_MASK];
}

/* Letters in lower case. What else changes stands in no header's name. */
static __always_inline __u64 lower_at(const struct scan *scan, __u64 at)
{
	return word_at(scan, at) | ALL_BYTES(0x20);
}

/* The highest bit of each byte that is `byte`, from the lowest such byte on; above it, bits may be too many. */
static __always_inline __u64 bytes_equal(__u64 word, __u8 byte)
{
	word ^= ALL_BYTES(byte);
	return (word - ALL_BYTES(1)) & ~word & ALL_BYTES(0x80);
}

/* Index of the lowest byte whose highest bit is set: one bit of each byte up to it, summed by a multiplication. */
static __always_inline __u64 lowest_byte(__u64 bits)
{
	return ((((bits & -bits) - 1) & ALL_BYTES(1)) * ALL_BYTES(1) >> 56) - 1;
}

#define WORD(a, b, c, d, e, f, g, h)                                                               \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 |   \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define LOW_BYTES(n) ((1ull << 8 * (n)) - 1)

#define WORD_HTTP1 WORD('H', 'T', 'T', 'P', '/', '1', '.', 0)
#define WORD_HEAD WORD('H', 'E', 'A', 'D', ' ', 0, 0, 0)
#define WORD_CONTENT WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')
#define WORD_LENGTH WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0)
#define WORD_TRANSFER WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')
#define WORD_ENCODING WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n')
#define WORD_CHUNKED WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0)
#define WORD_TRACEPAR WORD('t', 'r', 'a', 'c', 'e', 'p', 'a', 'r')
#define WORD_ENT WORD('e', 'n', 't', ':', 0, 0, 0, 0)
#define WORD_TRACESTA WORD('t', 'r', 'a', 'c', 'e', 's', 't', 'a')
#define WORD_TE WORD('t', 'e', ':', 0, 0, 0, 0, 0)

/* ---- routes ---- */

/* Where the path ends: at the query, or at the blank before the version. */
static __always_inline __u64 path_end(const struct scan *scan)
{
	__u64 end = scan->eol - sizeof(" HTTP/1.1") + 1;

	for (__u64 i = 0; i < HTTP_LINE_BYTES; i += sizeof(__u64)) {
		__u64 at = scan->line_at + i, found;

		if (at >= end)
			break;
		found = bytes_equal(word_at(scan, at), '?');
		if (found) {
			at += lowest_byte(found);
			return at < end ? at : end;
		}
	}
	return end;
}

static __always_inline bool route_begins(const volatile struct route_filter *route,
					 const struct scan *scan)
{
	for (__u64 i = 0; i < ROUTE_WORDS; i++) {
		if (i * sizeof(__u64) >= route->prefix_bytes)
			break;
		if ((word_at(scan, scan->line_at + i * sizeof(__u64)) ^ route->prefix[i]) &
		    route->prefix_mask[i])
			return false;
	}
	return true;
}

static __always_inline bool route_ends(const volatile struct route_filter *route,
				       const struct scan *scan, __u64 end)
{
	if (end - scan->line_at < (__u64)route->prefix_bytes + route->suffix_bytes)
		return false;
	for (__u64 i = 0; i < ROUTE_WORDS; i++) {
		if (i * sizeof(__u64) >= route->suffix_bytes)
			break;
		if ((word_at(scan, end - (i + 1) * sizeof(__u64)) ^ route->suffix[i]) &
		    route->suffix_mask[i])
			return false;
	}
	return true;
}

/* 0 = none of the routes, else 1, and EXCHANGE_EXECUTES. */
static __always_inline __u32 route_find(const struct scan *scan)
{
	__u64 end = path_end(scan);

	for (__u64 i = 0; i < ROUTES_MAX; i++) {
		const volatile struct route_filter *route = &routes[i];

		if (i >= routes_count)
			break;
		if (route_begins(route, scan) && route_ends(route, scan, end))
			return route->executes ? 1 | EXCHANGE_EXECUTES : 1;
	}
	return 0;
}

/* ---- what happens once a message; functions of http.bpf.c that the verifier follows by themselves ---- */

/* Each takes this cpu's scratch, and gives the connection up where it makes no sense. */
int http_first_line(void);
int http_header(void);
int http_chunk(void);
int http_head_end(void);
int http_message_end(void);

/* ---- lines ---- */

static __always_inline void text_keep(const struct scan *scan, __u64 at, void *to, __u32 *bytes,
				      __u64 room, struct exchange *exchange, __u32 cut)
{
	__u64 n = scan->eol - at;

	if (at > scan->eol)
		n = 0;
	if (n > room) {
		n = room;
		exchange->flags |= cut;
	}
	bpf_probe_read_kernel(to, n, scan->window + (at & WINDOW_MASK));
	*bytes = n;
}

/* "HTTP/1." is 9 bytes before the end of a request line; at the beginning of a status line. */
static __always_inline bool is_version(const struct scan *scan, __u64 at)
{
	return (word_at(scan, at) & LOW_BYTES(7)) == WORD_HTTP1;
}

/* False when it is none. */
static __always_inline bool request_line(struct scan *scan, struct http_side *side)
{
	struct exchange *exchange;
	__u32 route;

	if (scan->eol - scan->line_at < sizeof("GET / HTTP/1.1") - 1 ||
	    !is_version(scan, scan->eol - 8))
		return false;
	side->flags = 0;
	if ((word_at(scan, scan->line_at) & LOW_BYTES(5)) == WORD_HEAD)
		side->flags = HTTP_HEAD;
	route = route_find(scan);
	side->exchange = 0;
	if (!route)
		return true;
	side->exchange = exchange_begin(scan->socket, side->first_ns, route & EXCHANGE_EXECUTES);
	exchange = exchange_find(side->exchange);
	if (exchange)
		text_keep(scan, scan->line_at, exchange->line, &exchange->line_bytes,
			  REQUEST_LINE_BYTES, exchange, EXCHANGE_LINE_CUT);
	return true;
}

/* The three digits behind "HTTP/1.1 "; 0 where the line has none there. */
static __always_inline __u32 status_of(const struct scan *scan)
{
	__u32 status = 0;

	if (scan->eol - scan->line_at < sizeof("HTTP/1.1 200") - 1)
		return 0;
	for (int i = 0; i < 3; i++) {
		__u8 digit = byte_at(scan, scan->line_at + sizeof("HTTP/1.1 ") - 1 + i) - '0';

		if (digit > 9)
			return 0;
		status = status * 10 + digit;
	}
	return status;
}

/* False when it is none. */
static __always_inline bool status_line(struct scan *scan, struct connection *connection,
					struct http_side *side)
{
	__u32 status = status_of(scan);
	struct exchange *exchange;
	__u64 id = 0;

	if (!is_version(scan, scan->line_at) || status < 100)
		return false;
	side->flags = 0;
	side->exchange = 0;
	if (status < 200 && status != 101) {
		side->flags = HTTP_INFORMATIONAL;
		return true;
	}
	if (pending_pop(connection, &id))
		side->exchange = id & PENDING_ID;
	if (id & PENDING_HEAD || status == 204 || status == 304)
		side->flags |= HTTP_NO_BODY;
	if (status == 101)
		side->flags |= HTTP_UPGRADES;
	exchange = exchange_find(side->exchange);
	if (exchange)
		exchange_answer(exchange, status, side->first_ns, connection->gone_ns);
	return true;
}

static __always_inline __u64 number_at(const struct scan *scan, __u64 at)
{
	__u64 value = 0;

	for (int i = 0; i < NUMBER_BYTES; i++) {
		__u8 byte = byte_at(scan, at + i);

		if (byte == ' ' || byte == '\t')
			continue;
		if (byte < '0' || byte > '9')
			break;
		value = value * 10 + (byte - '0');
	}
	return value;
}

/* The size of a chunk and what follows it: its end of line. False when it is none. */
static __always_inline bool chunk_size(const struct scan *scan, __u64 *ret)
{
	__u64 value = 0, i;

	for (i = 0; i < NUMBER_BYTES; i++) {
		__u8 byte = byte_at(scan, scan->line_at + i), digit = byte - '0';

		if (digit > 9)
			digit = (byte | 0x20) - 'a' + 10;
		if (digit > 15 || (digit > 9 && (byte | 0x20) < 'a'))
			break;
		value = value << 4 | digit;
	}
	*ret = value;
	return i > 0;
}

/* The last of the codings is "chunked": the message says itself where it ends. */
static __always_inline bool is_chunked(const struct scan *scan)
{
	return lower_at(scan, scan->eol - 8) >> 8 == WORD_CHUNKED;
}

static __always_inline void trace_header(const struct scan *scan, const struct http_side *side,
					 __u64 first, __u64 second)
{
	struct exchange *exchange = exchange_find(side->exchange);

	if (!exchange)
		return;
	if (first == WORD_TRACEPAR && (second & LOW_BYTES(4)) == WORD_ENT)
		text_keep(scan, scan->line_at + sizeof("traceparent:") - 1, exchange->traceparent,
			  &exchange->traceparent_bytes, TRACEPARENT_BYTES, exchange,
			  EXCHANGE_TRACE_CUT);
	if (first == WORD_TRACESTA && (second & LOW_BYTES(3)) == WORD_TE)
		text_keep(scan, scan->line_at + sizeof("tracestate:") - 1, exchange->tracestate,
			  &exchange->tracestate_bytes, TRACESTATE_BYTES, exchange,
			  EXCHANGE_TRACE_CUT);
}

static __always_inline bool is_content_length(__u64 first, __u64 second)
{
	return first == WORD_CONTENT && (second & LOW_BYTES(7)) == WORD_LENGTH;
}

/* One whose name begins as one does that matters. */
static __always_inline void header_take(const struct scan *scan, struct http_side *side)
{
	__u64 first = lower_at(scan, scan->line_at);
	__u64 second = lower_at(scan, scan->line_at + sizeof(__u64));

	if (is_content_length(first, second)) {
		side->length = number_at(scan, scan->line_at + sizeof("content-length:") - 1);
		side->flags |= HTTP_LENGTH;
	} else if (first == WORD_TRANSFER && second == WORD_ENCODING) {
		if (is_chunked(scan))
			side->flags |= HTTP_CHUNKED;
	} else {
		trace_header(scan, side, first, second);
	}
}

/* Most headers are passed over here. */
static __always_inline void header_line(const struct scan *scan)
{
	__u64 first = lower_at(scan, scan->line_at);
	__u64 second = lower_at(scan, scan->line_at + sizeof(__u64));

	if (is_content_length(first, second) || first == WORD_TRANSFER || first == WORD_TRACEPAR ||
	    first == WORD_TRACESTA)
		http_header();
}

/* ---- messages ---- */

static __always_inline void side_reset(struct http_side *side)
{
	side->state = HTTP_FIRST_LINE;
	side->flags = 0;
	side->length = 0;
	side->exchange = 0;
}

static __always_inline void message_end(const struct scan *scan, struct connection *connection,
					struct http_side *side)
{
	struct exchange *exchange = exchange_find(side->exchange);
	bool upgrades = side->flags & HTTP_UPGRADES;

	side_reset(side);
	if (exchange && scan->transfer.direction == TRANSFER_READ)
		exchange->request_last_ns = scan->now;
	else if (exchange)
		exchange_end(exchange, EXCHANGE_ANSWERED, connection->gone_ns);
	if (upgrades)
		connection->lost = 1; /* what follows is another protocol */
}

/* False when the connection was given up. */
static __always_inline bool request_ask(const struct scan *scan, struct connection *connection,
					const struct http_side *side)
{
	struct exchange *exchange = exchange_find(side->exchange);

	if (exchange && connection->pushed != connection->popped)
		exchange->flags |= EXCHANGE_QUEUED;
	if (!pending_push(connection, side->exchange, side->flags & HTTP_HEAD)) {
		connection_lose(connection, scan->socket, KERNEL_HTTP_PIPELINE);
		return false;
	}
	if (exchange)
		exchange_count(exchange, scan->transfer.result == 1);
	return true;
}

/* RFC 9112, 6.3: a coding goes before a length; without either a request has none, and a response ends with the connection. */
static __always_inline bool is_without_body(const struct http_side *side, bool request)
{
	if (side->flags & (HTTP_NO_BODY | HTTP_UPGRADES))
		return true;
	if (side->flags & HTTP_CHUNKED)
		return false;
	return side->flags & HTTP_LENGTH ? !side->length : request;
}

/* The empty line: what follows is the body. */
static __always_inline void head_end(const struct scan *scan, struct connection *connection,
				     struct http_side *side)
{
	bool request = scan->transfer.direction == TRANSFER_READ;

	if (request && !request_ask(scan, connection, side))
		return;
	if (side->flags & HTTP_INFORMATIONAL) {
		side->state = HTTP_FIRST_LINE;
	} else if (is_without_body(side, request)) {
		message_end(scan, connection, side);
	} else if (side->flags & HTTP_CHUNKED) {
		side->state = HTTP_CHUNK_SIZE;
	} else if (side->flags & HTTP_LENGTH) {
		side->state = HTTP_BODY;
		side->skip = side->length;
	} else {
		side->state = HTTP_BODY_TO_END;
		side->skip = BODY_TO_END_BYTES;
	}
}

/* The first line of a message. */
static __always_inline void first_line(struct scan *scan, struct connection *connection,
				       struct http_side *side)
{
	bool good = scan->transfer.direction == TRANSFER_READ ? request_line(scan, side)
							      : status_line(scan, connection, side);

	side->state = HTTP_HEADERS;
	if (!good)
		connection_lose(connection, scan->socket, KERNEL_HTTP_SYNTAX);
}

static __always_inline void chunk_begin(const struct scan *scan, struct connection *connection,
					struct http_side *side)
{
	__u64 size = 0;

	if (!chunk_size(scan, &size)) {
		connection_lose(connection, scan->socket, KERNEL_HTTP_SYNTAX);
		return;
	}
	side->state = size ? HTTP_CHUNK : HTTP_TRAILERS;
	side->skip = size ? size + sizeof("\r\n") - 1 : 0;
}

/* A line that is complete: from line_at to eol. */
static __always_inline void line_take(const struct scan *scan, const struct http_side *side)
{
	bool empty = scan->eol == scan->line_at;

	if (side->state == HTTP_HEADERS && !empty)
		header_line(scan);
	else if (side->state == HTTP_HEADERS)
		http_head_end();
	else if (side->state == HTTP_FIRST_LINE && !empty)
		http_first_line();
	else if (side->state == HTTP_CHUNK_SIZE)
		http_chunk();
	else if (side->state == HTTP_TRAILERS && empty)
		http_message_end();
}

/* ---- bodies ---- */

static __always_inline void body_end(struct http_side *side)
{
	if (side->state == HTTP_CHUNK)
		side->state = HTTP_CHUNK_SIZE;
	else if (side->exchange)
		http_message_end();
	else
		side_reset(side); /* of no route; what upgrades has no body */
}

/* Of n bytes of a body: without a chunk's end of line. */
static __always_inline __u64 body_bytes(const struct http_side *side, __u64 n)
{
	__u64 rest = side->skip;

	if (side->state == HTTP_CHUNK)
		rest = rest > 2 ? rest - 2 : 0;
	return n < rest ? n : rest;
}

_Static_assert((int)TRANSFER_READ == EXCHANGE_REQUEST && (int)TRANSFER_WRITE == EXCHANGE_RESPONSE,
	       "a direction is a side");

/* Its first bytes. `user`: they are not in the window. */
static __always_inline void head_keep(struct exchange *exchange, __u64 direction, const void *from,
				      __u64 n, bool user)
{
	__u8 *to;
	__u64 at;

	barrier_var(direction);
	direction &= 1;
	at = exchange->body_bytes[direction];
	if (at >= BODY_HEAD_BYTES)
		return;
	/* Each part added by itself: 5.10's verifier does not see that the sum of both is bounded. */
	to = (__u8 *)exchange->body + direction * BODY_HEAD_BYTES;
	barrier_var(to);
	if (n > BODY_HEAD_BYTES - at)
		n = BODY_HEAD_BYTES - at;
	exchange->body_bytes[direction] = at + n;
	barrier_var(at);
	barrier_var(n);
	at &= BODY_HEAD_BYTES - 1;
	n &= 2 * BODY_HEAD_BYTES - 1;
	if (n > BODY_HEAD_BYTES)
		return;
	to += at;
	if (user)
		bpf_probe_read_user(to, n, from);
	else
		bpf_probe_read_kernel(to, n, from);
}

/* A request's last bytes, as far as they come at once; at: where n bytes are in the window, or in user memory. */
static __always_inline void tail_keep(struct exchange *exchange, const struct scan *scan, __u64 at,
				      __u64 n, bool user)
{
	exchange->request_body_bytes += n;
	if (n > BODY_TAIL_BYTES) {
		at += n - BODY_TAIL_BYTES;
		n = BODY_TAIL_BYTES;
	}
	exchange->request_tail_bytes = n;
	barrier_var(at);
	barrier_var(n);
	if (n > BODY_TAIL_BYTES)
		return;
	if (user)
		bpf_probe_read_user(exchange->request_tail, n, (void *)at);
	else
		bpf_probe_read_kernel(exchange->request_tail, n, scan->window + (at & WINDOW_MASK));
}

/* n > 0 bytes that are in the window, or in user memory at scan->from. */
static __always_inline void body_keep(struct exchange *exchange, const struct scan *scan,
				      const struct http_side *side, __u64 n, bool user)
{
	__u64 direction = scan->transfer.direction;

	n = body_bytes(side, n);
	if (!n)
		return;
	if (user)
		head_keep(exchange, direction, (void *)scan->from, n, true);
	else
		head_keep(exchange, direction, scan->window + (scan->at & WINDOW_MASK), n, false);
	if (direction == TRANSFER_READ)
		tail_keep(exchange, scan, user ? scan->from : scan->at, n, user);
}

/* The record that a body's ends go to; NULL where nobody wants them. */
static __always_inline struct exchange *body_exchange(const struct scan *scan,
						      const struct http_side *side)
{
	struct exchange *exchange;

	if (scan->transfer.direction == TRANSFER_READ && !keep_requests)
		return NULL;
	exchange = exchange_find(side->exchange);
	if (exchange && scan->transfer.direction == TRANSFER_READ &&
	    !(exchange->flags & EXCHANGE_EXECUTES))
		return NULL;
	return exchange;
}

/* Passes over what is in the window, and behind it in this piece. */
static __always_inline void body_skip(struct scan *scan, struct http_side *side)
{
	struct exchange *exchange = body_exchange(scan, side);
	__u64 n = scan->end - scan->at;

	if (n > side->skip)
		n = side->skip;
	if (exchange && n)
		body_keep(exchange, scan, side, n, false);
	side->skip -= n;
	scan->at += n;
	scan->line_at = scan->at;

	n = scan->left < side->skip ? scan->left : side->skip;
	if (exchange && n)
		body_keep(exchange, scan, side, n, true);
	side->skip -= n;
	scan->from += n;
	scan->left -= n;
}

/* ---- a transfer ---- */

/* False when there is none. */
static __always_inline bool piece_next(struct scan *scan)
{
	struct iovec piece = {};

	if (!scan->total || !piece_read(&piece, &scan->transfer, scan->piece, scan->total))
		return false;
	scan->piece++;
	scan->from = piece.base;
	scan->left = piece.len;
	scan->total -= piece.len;
	return true;
}

/* Of a line that has begun and is longer than its room, the rest is passed over. */
static __always_inline __u64 line_begun(const struct scan *scan)
{
	__u64 n = scan->end - scan->line_at;

	barrier_var(n);
	return n > HTTP_LINE_BYTES ? HTTP_LINE_BYTES : n;
}

/* Lets the window begin with the line, and brings what follows. False when nothing does. */
static __always_inline bool window_fill(struct scan *scan, struct connection *connection)
{
	__u64 n = line_begun(scan), fresh;

	if (!scan->left && !piece_next(scan))
		return false;
	fresh = scan->left;
	barrier_var(fresh);
	if (fresh > WINDOW_FRESH)
		fresh = WINDOW_FRESH;
	if (scan->line_at)
		bpf_probe_read_kernel(scan->window, n,
				      scan->window + (scan->line_at & WINDOW_MASK));
	if (bpf_probe_read_user(scan->window + n, fresh, (void *)scan->from) < 0) {
		connection_lose(connection, scan->socket, KERNEL_USER_FAULT);
		return false;
	}
	scan->line_at = 0;
	scan->at = n;
	scan->end = n + fresh;
	scan->from += fresh;
	scan->left -= fresh;
	return true;
}

/* Looks for the end of the line; true when it was found, and is at scan->at. */
static __always_inline bool line_find(struct scan *scan)
{
	__u64 at = scan->at, end = scan->end, found = 0;

	for (int i = 0; i < STEP_WORDS; i++) {
		if (at >= end)
			break;
		found = bytes_equal(word_at(scan, at), '\n');
		if (found)
			break;
		at += sizeof(__u64);
	}
	if (found)
		at += lowest_byte(found);
	if (at >= end) {
		scan->at = end;
		return false;
	}
	scan->at = at;
	return found;
}

/* False when there is nothing more to do. */
static __always_inline bool scan_step(struct scan *scan, struct connection *connection,
				      struct http_side *side)
{
	if (side->skip) {
		body_skip(scan, side);
		if (!side->skip)
			body_end(side);
		else if (!scan->left)
			return piece_next(scan);
		return !connection->lost;
	}
	if (scan->at >= scan->end)
		return window_fill(scan, connection);
	if (side->state == HTTP_FIRST_LINE && scan->at == scan->line_at)
		side->first_ns = scan->now;
	if (!line_find(scan))
		return true;
	scan->eol = scan->at;
	if (scan->at > scan->line_at && byte_at(scan, scan->at - 1) == '\r')
		scan->eol--;
	scan->at++;
	line_take(scan, side);
	scan->line_at = scan->at;
	return !connection->lost;
}

static __always_inline struct http_side *side_of(struct connection *connection, __u64 direction)
{
	/* One pointer to the verifier, not two cases to follow. */
	barrier_var(direction);
	return (void *)connection + (direction & 1) * sizeof(struct http_side);
}

static __always_inline struct scan *scan_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scans, &zero);
}
