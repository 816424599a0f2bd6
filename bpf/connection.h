/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A TCP connection of a watched server: how far its requests and responses have been followed. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/exchange.h"

enum http_state {
	HTTP_FIRST_LINE, /* of a message; between two of them */
	HTTP_HEADERS,
	HTTP_BODY,	  /* of a known length */
	HTTP_BODY_TO_END, /* of a response: until the connection ends */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_TRAILERS,
};

enum http_flag {
	HTTP_CHUNKED = 1u << 0,
	HTTP_LENGTH = 1u << 1,
	HTTP_NO_BODY = 1u << 2,	      /* a response to HEAD, 204, 304 */
	HTTP_INFORMATIONAL = 1u << 3, /* 1xx: the response is still to come */
	HTTP_UPGRADES = 1u << 4,      /* 101: another protocol follows */
	HTTP_HEAD = 1u << 5,	      /* of a request */
};

/* One direction. */
struct http_side {
	__u64 skip;	  /* bytes of the body, or of a chunk with its end of line, still to come */
	__u64 length;	  /* Content-Length */
	__u64 exchange;	  /* of the message under way, 0 = of no route */
	__u64 first_ns;	  /* its first byte */
	__u32 sequence;	  /* TCP's, behind the last byte that was looked at */
	__u32 state;	  /* enum http_state */
	__u32 flags;	  /* enum http_flag */
	__u32 line_bytes; /* of a line that has begun: its first bytes, in line */
	__u8 line[HTTP_LINE_BYTES];
};

/* A request that was not answered yet: its exchange's id, 0 = of no route, and whether it was HEAD. */
#define PENDING_HEAD (1ull << 63)
#define PENDING_ID (PENDING_HEAD - 1)

/* Requests are put in by who reads, and taken out by who writes: one of each at a time. */
struct connection {
	struct http_side request;
	struct http_side response;
	__u64 gone_ns; /* the client closed or reset its side */
	__u32 lost;    /* 1 = it can no longer be followed */
	__u32 pushed;
	__u32 popped;
	__u32 pad;
	__u64 pending[HTTP_PIPELINE_MAX];
};

static const struct connection no_connection;

/* By the address of its struct sock: an entry goes before the socket's memory does. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, __u64);
	__type(value, struct connection);
} connections SEC(".maps");

static __always_inline struct connection *connection_find(__u64 socket)
{
	return bpf_map_lookup_elem(&connections, &socket);
}

/* False when too many wait already. */
static __always_inline bool pending_push(struct connection *connection, __u64 id, bool head)
{
	__u64 i = connection->pushed;

	if (connection->pushed - connection->popped >= HTTP_PIPELINE_MAX)
		return false;
	barrier_var(i);
	connection->pending[i & (HTTP_PIPELINE_MAX - 1)] = id | (head ? PENDING_HEAD : 0);
	connection->pushed++;
	return true;
}

static __always_inline bool pending_pop(struct connection *connection, __u64 *ret)
{
	__u64 i = connection->popped;

	if (connection->pushed == connection->popped)
		return false;
	barrier_var(i);
	*ret = connection->pending[i & (HTTP_PIPELINE_MAX - 1)];
	connection->popped++;
	return true;
}

/* Ends an exchange that was not answered to the end. In http.bpf.c: the verifier follows it by itself. */
int http_exchange_end(__u64 id, __u32 end, __u64 gone_ns);

/* A request whose head never became complete: the server was asked nothing. */
static __always_inline void request_drop(struct connection *connection)
{
	__u64 id = connection->request.exchange;

	if (id && connection->request.state == HTTP_HEADERS)
		map_delete(&exchanges, &id);
	connection->request.exchange = 0;
}

static __always_inline __u32 response_end(const struct connection *connection)
{
	if (connection->lost)
		return EXCHANGE_UNKNOWN;
	return connection->response.state == HTTP_BODY_TO_END ? EXCHANGE_ANSWERED : EXCHANGE_CUT;
}

/* Nothing more will be seen of a connection, or understood. In http.bpf.c: the verifier follows it by itself. */
int http_connection_end(__u64 socket);

/* It is left alone from here on: better none of its exchanges than a wrong one. */
static __always_inline void connection_lose(struct connection *connection, __u64 socket,
					    __u64 cause)
{
	counter_add(cause, 1);
	connection->lost = 1;
	http_connection_end(socket);
}
