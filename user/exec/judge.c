/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/judge.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "exec/asked.h"

/* Members of a tracestate are separated by these. */
#define MEMBER_END ','

/* ---- texts ---- */

static size_t blanks(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && (text[i] == ' ' || text[i] == '\t'))
		i++;
	return i;
}

/* A header's value without the blanks around it. */
static void header_trim(const void *bytes, size_t n, char *ret)
{
	const char *text = bytes;
	size_t from = blanks(text, n);

	while (n > from && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	memcpy(ret, text + from, n - from);
	ret[n - from] = '\0';
	/* Bytes that no header may have: somebody else's reader should not meet them. */
	for (size_t i = 0; i < n - from; i++) {
		if (ret[i] < ' ' || ret[i] > '~')
			ret[0] = '\0';
	}
}

static void read_trace(const struct exchange *exchange, struct exec_report *report)
{
	header_trim(exchange->traceparent, exchange->traceparent_bytes, report->traceparent);
	if (exchange->traceparent_bytes == TRACEPARENT_BYTES)
		report->traceparent[0] = '\0';
	header_trim(exchange->tracestate, exchange->tracestate_bytes, report->tracestate);
	if (exchange->tracestate_bytes < TRACESTATE_BYTES)
		return;
	/* It may have been longer: the member that was cut is none. */
	char *last = strrchr(report->tracestate, MEMBER_END);
	if (last)
		*last = '\0';
	else
		report->tracestate[0] = '\0';
}

/* Where the value of `"exec_id"` begins in a JSON text, NULL when it is not there. */
static const char *exec_id_find(const char *text, size_t n)
{
	static const char key[] = "\"exec_id\"";
	const char *p = memmem(text, n, key, sizeof(key) - 1);
	const char *end = text + n;

	if (!p)
		return NULL;
	p += sizeof(key) - 1;
	while (p < end && (*p == ' ' || *p == ':' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p < end && *p == '"' ? p + 1 : NULL;
}

/* The execution's id as the reply names it; an id has no escapes. */
static void read_exec_id(const struct exchange *exchange, struct exec_report *report)
{
	const char *text = (const char *)exchange->body[EXCHANGE_RESPONSE];
	size_t text_bytes = exchange->body_bytes[EXCHANGE_RESPONSE];
	const char *id = exec_id_find(text, text_bytes);
	size_t n;

	if (!id || report->exec_id[0])
		return;
	const char *quote = memchr(id, '"', (size_t)(text + text_bytes - id));
	n = quote ? (size_t)(quote - id) : 0;
	if (n == 0 || n > EXEC_ID_BYTES || memchr(id, '\\', n) || !utf8_valid(id, n))
		return;
	memcpy(report->exec_id, id, n);
	report->exec_id[n] = '\0';
}

/* ---- the outcome ---- */

/*
 * A response says it. Without one the server may still have recorded something: that the client had gone, which
 * ends a workflow's wait as a timeout and other executions with a status of 500.
 */
static void judge_outcome(const struct exchange *exchange, struct exec_report *report)
{
	report->client_left = !exchange->response_first_ns && exchange->client_gone_ns;
	report->status = exchange->status;
	report->code = exchange->status;
	if (report->client_left)
		report->code = report->kind == EXEC_KIND_WORKFLOW ? 408 : 500;
	report->outcome = EXEC_OUTCOME_ERROR;
	if (report->code == 408)
		report->outcome = EXEC_OUTCOME_TIMEOUT;
	else if (report->code >= 200 && report->code < 300)
		report->outcome = EXEC_OUTCOME_SUCCESS;
	report->refused = report->code == 401 || report->code == 403 || report->code == 429;
	report->cut = exchange->end == EXCHANGE_CUT;
}

static void read_times(const struct exchange *exchange, struct exec_report *report)
{
	uint64_t until = exchange->response_first_ns ?: exchange->end_ns;

	report->request_first_ns = exchange->request_first_ns;
	report->request_last_ns = exchange->request_last_ns;
	report->execution_ns = exchange->execution_ns;
	report->response_first_ns = exchange->response_first_ns;
	report->response_last_ns = exchange->response_last_ns;
	report->end_ns = exchange->end_ns;
	report->latency_ns = until - exchange->request_first_ns;
}

/* Of a line that was cut, the path at least is whole: something stands behind it. */
static bool line_has_path(const struct exchange *exchange)
{
	const uint8_t *blank = memchr(exchange->line, ' ', exchange->line_bytes);
	size_t rest = blank ? (size_t)(exchange->line + exchange->line_bytes - blank - 1) : 0;

	return blank && (!(exchange->flags & EXCHANGE_LINE_CUT) || memchr(blank + 1, ' ', rest) ||
			 memchr(blank + 1, '?', rest));
}

bool exchange_judge(const struct exchange *exchange, const struct routes *routes,
		    struct exec_report *ret)
{
	struct route_ids ids;
	const struct route *route = NULL;

	if (line_has_path(exchange))
		route = routes_find(routes, (const char *)exchange->line, exchange->line_bytes,
				    &ids);
	if (!route || exchange->end == EXCHANGE_OPEN || exchange->end == EXCHANGE_UNKNOWN)
		return false;
	*ret = (struct exec_report){
		.exchange_id = exchange->id,
		.connection = exchange->connection,
		.goroutine = exchange->goroutine,
		.server_pid = exchange->server_pid,
		.server_start_ns = exchange->server_start_ns,
		.cgroup_id = exchange->cgroup_id,
		.kind = route->kind,
		.operation = route->operation,
	};
	memcpy(ret->resource_id, ids.resource, sizeof(ret->resource_id));
	memcpy(ret->exec_id, ids.exec, sizeof(ret->exec_id));
	judge_outcome(exchange, ret);
	read_exec_id(exchange, ret);
	asked_read(exchange, &ret->asked);
	read_trace(exchange, ret);
	read_times(exchange, ret);
	return true;
}
