/* SPDX-License-Identifier: Apache-2.0 */
#include "span/run_span.h"

/* By enum error_kind: what a reader of the trace sees first. */
static const char *const messages[ERROR_KIND_COUNT] = {
	[ERROR_KIND_START] = "Bun could not be started",
	[ERROR_KIND_STDIN] = "the request was not read to its end",
	[ERROR_KIND_STDOUT] = "the output was not read to its end",
	[ERROR_KIND_STDERR] = "part of stderr was lost",
	[ERROR_KIND_WAIT] = "Bun did not end with status 0",
	[ERROR_KIND_PARSE] = "the reply is not a result",
	[ERROR_KIND_TIMEOUT] = "the server ended it before it was done",
};

static void add_identity(struct span *span, const struct report *report,
			 const struct run_detail *detail)
{
	span_add_string(span, "tool_id", report->tool_id);
	if (*report->tool_exec_id)
		span_add_string(span, "tool_exec_id", report->tool_exec_id);
	if (report->timeout_ms)
		span_add_int(span, "timeout_ms", report->timeout_ms);
	if (*detail->bun_version)
		span_add_string(span, "bun_version", detail->bun_version);
	span_add_strings(span, "permissions", detail->permissions, detail->permissions_count);
	span_add_int(span, "process.pid", report->pid);
	span_add_int(span, "process.parent_pid", report->parent_pid);
}

static void add_end(struct span *span, const struct report *report)
{
	if (report->signal) {
		span_add_string(span, "signal", signal_name(report->signal));
	} else {
		span_add_int(span, "exit_code", report->status);
		span_add_int(span, "process.exit.code", report->status);
	}
}

/* What only a process that ran can have used. */
static void add_resources(struct span *span, const struct report *report,
			  const struct run_detail *detail)
{
	if (report->has_output)
		span_add_int(span, "output_bytes", report->output_bytes);
	span_add_seconds(span, "cpu_seconds", report->cpu_ns);
	span_add_seconds(span, "runqueue_seconds", report->main_runqueue_ns);
	span_add_seconds(span, "wait_seconds", report->main_wait_ns);
	span_add_int(span, "major_faults", detail->major_faults);
	span_add_int(span, "max_rss_bytes", report->max_rss_bytes);
}

static void add_error(struct span *span, const struct report *report)
{
	enum error_kind kind = report_error_kind(report);

	if (kind == ERROR_KIND_COUNT)
		return;
	span_add_string(span, "error_kind", error_kind_names[kind]);
	/* Lost stderr alone is no failure of the run. */
	if (report->outcome == OUTCOME_SUCCESS)
		return;
	span_add_string(span, "error.type", error_kind_names[kind]);
	span->status = SPAN_STATUS_ERROR;
	span->status_message = messages[kind];
}

static void add_events(struct span *span, const struct report *report,
		       const struct run_detail *detail)
{
	if (!report->exited)
		return;
	(void)span_add_event(span, "exec", detail->exec_ns);
	(void)span_add_event(span, "first_read", detail->first_read_ns);
	(void)span_add_event(span, "first_byte", detail->first_byte_ns);
	struct span_event *signal = span_add_event(span, "signal", detail->signal_ns);
	span_event_string(span, signal, "signal", signal_name(report->signal));
	span_event_string(span, signal, "sender", sender_names[report->sender]);
	(void)span_add_event(span, "exit", detail->exit_ns);
	(void)span_add_event(span, "eof", detail->eof_ns);
}

void run_span_build(const struct report *report, const struct run_detail *detail, struct span *ret)
{
	span_begin(ret, "runtime.execute_tool", report->start_ns,
		   report->start_ns + report->latency_ns);
	add_identity(ret, report, detail);
	if (report->exited) {
		add_end(ret, report);
		add_resources(ret, report, detail);
	}
	add_error(ret, report);
	add_events(ret, report, detail);
}
