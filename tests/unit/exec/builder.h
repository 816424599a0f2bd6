/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Exchanges as the kernel side would have made them. Times are milliseconds after the request's first byte. */
#include <linux/types.h>
#include <stdint.h>
#include <string.h>

#include "include/exchange.h"

#define BUILD_FIRST_NS 1000000000000ull

static inline uint64_t build_at(uint64_t ms)
{
	return BUILD_FIRST_NS + ms * 1000000;
}

static inline void build_line(struct exchange *exchange, const char *line)
{
	exchange->line_bytes = (uint32_t)strlen(line);
	memcpy(exchange->line, line, exchange->line_bytes);
}

static inline void build_body(struct exchange *exchange, const char *body)
{
	size_t n = strlen(body);

	exchange->body_bytes[EXCHANGE_RESPONSE] =
		n < BODY_HEAD_BYTES ? (uint32_t)n : BODY_HEAD_BYTES;
	memcpy(exchange->body[EXCHANGE_RESPONSE], body, exchange->body_bytes[EXCHANGE_RESPONSE]);
}

/* The request's, read at once. */
static inline void build_request_body(struct exchange *exchange, const char *body)
{
	size_t n = strlen(body), head = n < BODY_HEAD_BYTES ? n : BODY_HEAD_BYTES;
	size_t tail = n < BODY_TAIL_BYTES ? n : BODY_TAIL_BYTES;

	exchange->request_body_bytes = n;
	exchange->body_bytes[EXCHANGE_REQUEST] = (uint32_t)head;
	memcpy(exchange->body[EXCHANGE_REQUEST], body, head);
	exchange->request_tail_bytes = (uint32_t)tail;
	memcpy(exchange->request_tail, body + n - tail, tail);
}

/* A synchronous task that is answered 200 after 20 ms. */
static inline void build_exchange(struct exchange *exchange)
{
	*exchange = (struct exchange){
		.id = 42,
		.connection = 7,
		.server_pid = 100,
		.server_start_ns = 1000,
		.flags = EXCHANGE_EXECUTES,
		.request_first_ns = build_at(0),
		.request_last_ns = build_at(1),
		.response_first_ns = build_at(20),
		.response_last_ns = build_at(21),
		.end_ns = build_at(21),
		.end = EXCHANGE_ANSWERED,
		.status = 200,
	};
	build_line(exchange, "POST /api/v0/tasks/sum/executions/sync HTTP/1.1");
	build_body(exchange,
		   "{\"status\":200,\"data\":{\"exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5pWdA\"}}");
}
