/* SPDX-License-Identifier: Apache-2.0 */
/* What a client and a server may have said to each other, in the texts that are kept of an exchange. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "exec/decode.h"
#include "exec/judge.h"
#include "tests/unit/exec/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A text up to its room; the rest is left for the next one. */
static uint32_t take(const uint8_t **data, size_t *n, uint8_t *ret, size_t room)
{
	size_t bytes = *n ? **data : 0;

	if (*n) {
		(*data)++;
		(*n)--;
	}
	bytes = bytes < *n ? bytes : *n;
	bytes = bytes < room ? bytes : room;
	memcpy(ret, *data, bytes);
	*data += bytes;
	*n -= bytes;
	return (uint32_t)bytes;
}

static void check(const struct exec_report *report)
{
	if (!utf8_valid(report->resource_id, strlen(report->resource_id)) ||
	    !utf8_valid(report->asked.action, strlen(report->asked.action)) ||
	    !utf8_valid(report->exec_id, strlen(report->exec_id)) ||
	    !utf8_valid(report->traceparent, strlen(report->traceparent)) ||
	    !utf8_valid(report->tracestate, strlen(report->tracestate)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct routes routes;
	const struct exchange *decoded;
	struct exec_report report;
	struct exchange exchange;
	const char *wrong = "";

	for (size_t i = 0; i < default_routes_count && routes.count < default_routes_count; i++)
		(void)routes_add(&routes, "/api/v0", default_routes[i], &wrong);
	build_exchange(&exchange);
	exchange.line_bytes = take(&data, &n, exchange.line, REQUEST_LINE_BYTES);
	exchange.body_bytes[EXCHANGE_RESPONSE] =
		take(&data, &n, exchange.body[EXCHANGE_RESPONSE], BODY_HEAD_BYTES);
	exchange.traceparent_bytes = take(&data, &n, exchange.traceparent, TRACEPARENT_BYTES);
	exchange.tracestate_bytes = take(&data, &n, exchange.tracestate, TRACESTATE_BYTES);
	exchange.body_bytes[EXCHANGE_REQUEST] =
		take(&data, &n, exchange.body[EXCHANGE_REQUEST], BODY_HEAD_BYTES);
	exchange.request_tail_bytes = take(&data, &n, exchange.request_tail, BODY_TAIL_BYTES);
	/* As long as its head, or longer. */
	exchange.request_body_bytes =
		exchange.body_bytes[EXCHANGE_REQUEST] + exchange.request_tail_bytes;
	if (!exchange_decode(&exchange, sizeof(exchange), &decoded))
		abort();
	if (exchange_judge(decoded, &routes, &report))
		check(&report);
	return 0;
}
