/* SPDX-License-Identifier: Apache-2.0 */
#include "span/exec_span.h"

#include <stdio.h>

#define STATUS_BYTES 16
#define STATUS_SERVER_ERROR 500

/* By operation: asking for an execution is no span. */
static const char *const names[EXEC_KIND_COUNT][EXEC_OPERATION_COUNT] = {
	[EXEC_KIND_TASK] = {"task.execute_async", "task.execute_sync", "task.status"},
	[EXEC_KIND_AGENT] = {"agent.execute_async", "agent.execute_sync", "agent.status"},
	[EXEC_KIND_WORKFLOW] = {"workflow.execute_async", "workflow.execute_sync",
				"workflow.status"},
};
static const char *const id_keys[EXEC_KIND_COUNT] = {
	[EXEC_KIND_TASK] = "task_id",
	[EXEC_KIND_AGENT] = "agent_id",
	[EXEC_KIND_WORKFLOW] = "workflow_id",
};

static void status_text(const struct exec_report *report, char ret[STATUS_BYTES])
{
	(void)snprintf(ret, STATUS_BYTES, report->status ? "%u" : "none", report->status);
}

/*
 * error_type is the contract's: every outcome but success. error.type and the status follow OpenTelemetry's rules
 * for servers: what the client did wrong, 4xx, is not the server's error.
 */
static void add_error(struct span *span, const struct exec_report *report)
{
	char status[STATUS_BYTES];

	status_text(report, status);
	if (report->outcome == EXEC_OUTCOME_TIMEOUT)
		span_add_string(span, "error_type", "timeout");
	else if (report->outcome == EXEC_OUTCOME_ERROR)
		span_add_string(span, "error_type", status);
	if (report->status && report->status < STATUS_SERVER_ERROR)
		return;
	span_add_string(span, "error.type", status);
	span->status = SPAN_STATUS_ERROR;
	if (!report->status)
		span->status_message = "the connection ended without an answer";
}

void exec_span_build(const struct exec_report *report, struct span *ret)
{
	span_begin(ret, names[report->kind][report->operation], report->request_first_ns,
		   report->end_ns);
	ret->kind = SPAN_SERVER;
	if (*report->resource_id)
		span_add_string(ret, id_keys[report->kind], report->resource_id);
	if (*report->exec_id)
		span_add_string(ret, "exec_id", report->exec_id);
	if (report->asked.timeout_ms)
		span_add_int(ret, "timeout_ms", report->asked.timeout_ms);
	if (*report->asked.action)
		span_add_string(ret, "action", report->asked.action);
	span_add_string(ret, "component", exec_kind_names[report->kind]);
	span_add_string(ret, "http.request.method", "POST");
	if (report->status)
		span_add_int(ret, "http.response.status_code", report->status);
	span_add_int(ret, "process.pid", report->server_pid);
	add_error(ret, report);
}
