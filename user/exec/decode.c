/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/decode.h"

#include <stdint.h>

#include "base/cleanup.h"

#define STATUS_MAX 999

static bool texts_in_bounds(const struct exchange *exchange)
{
	return exchange->line_bytes <= REQUEST_LINE_BYTES &&
	       exchange->traceparent_bytes <= TRACEPARENT_BYTES &&
	       exchange->tracestate_bytes <= TRACESTATE_BYTES &&
	       exchange->body_bytes[EXCHANGE_REQUEST] <= BODY_HEAD_BYTES &&
	       exchange->body_bytes[EXCHANGE_RESPONSE] <= BODY_HEAD_BYTES &&
	       exchange->request_body_bytes >= exchange->body_bytes[EXCHANGE_REQUEST] &&
	       exchange->request_tail_bytes <= BODY_TAIL_BYTES;
}

/* Nothing happens before the request's first byte. A server may answer before the request is complete. */
static bool times_in_order(const struct exchange *exchange)
{
	const uint64_t first = exchange->request_first_ns;
	const uint64_t later[] = {exchange->request_last_ns, exchange->response_first_ns,
				  exchange->response_last_ns, exchange->execution_ns,
				  exchange->end_ns};

	for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
		if (later[i] && later[i] < first)
			return false;
	}
	return !exchange->response_last_ns ||
	       exchange->response_last_ns >= exchange->response_first_ns;
}

bool exchange_decode(const void *bytes, size_t n, const struct exchange **ret)
{
	const struct exchange *exchange = bytes;

	if (n != sizeof(*exchange) || (uintptr_t)bytes % _Alignof(struct exchange))
		return false;
	if (!exchange->id || !exchange->server_pid || !exchange->request_first_ns)
		return false;
	if (exchange->end > EXCHANGE_UNKNOWN || exchange->status > STATUS_MAX ||
	    (exchange->end != EXCHANGE_OPEN && !exchange->end_ns))
		return false;
	if (!texts_in_bounds(exchange) || !times_in_order(exchange))
		return false;
	*ret = exchange;
	return true;
}
