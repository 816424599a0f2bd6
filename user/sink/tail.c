/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/tail.h"

#include <stdio.h>

#include "base/escape.h"
#include "base/plain.h"

#define NS_PER_MS_F 1e6

static double ms(uint64_t ns)
{
	return (double)ns / NS_PER_MS_F;
}

void tail_header(struct buf *out)
{
	buf_printf(out, "%8s %-24s %-8s %-9s %-9s %9s %9s %9s %9s %9s %7s\n", "PID", "TOOL",
		   "OUTCOME", "ERROR", "EXIT", "MS", "STARTUP", "CPU_MS", "IN", "OUT", "RSS_MB");
}

static void append_exit(struct buf *out, const struct report *report)
{
	char text[16] = "-";

	if (report->exited && !report->signal)
		(void)snprintf(text, sizeof(text), "%u", report->status);
	buf_printf(out, " %-9s", report->signal ? signal_name(report->signal) : text);
}

static const char *error_of(const struct report *report)
{
	enum error_kind kind = report_error_kind(report);

	return kind == ERROR_KIND_COUNT ? "-" : error_kind_names[kind];
}

void tail_text(struct buf *out, const struct report *report)
{
	buf_printf(out, "%8u ", report->pid);
	plain_append(out, report->tool_id, 24, SIZE_MAX);
	buf_printf(out, " %-8s %-9s", outcome_names[report->outcome], error_of(report));
	append_exit(out, report);
	buf_printf(out, " %9.1f %9.1f %9.1f %9llu %9llu %7.1f\n", ms(report->latency_ns),
		   ms(report->startup_ns), ms(report->cpu_ns),
		   (unsigned long long)report->input_bytes,
		   (unsigned long long)report->output_bytes, (double)report->max_rss_bytes / 1e6);
}

static void json_string(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, ",\"%s\":", key);
	json_append_string(out, value, strlen(value));
}

static void json_number(struct buf *out, const char *key, uint64_t value)
{
	buf_printf(out, ",\"%s\":%llu", key, (unsigned long long)value);
}

void tail_json_seconds(struct buf *out, uint64_t ns)
{
	buf_printf(out, "%llu.%09llu", (unsigned long long)(ns / 1000000000),
		   (unsigned long long)(ns % 1000000000));
}

static void json_seconds(struct buf *out, const char *key, uint64_t ns)
{
	buf_printf(out, ",\"%s\":", key);
	tail_json_seconds(out, ns);
}

static void json_errors(struct buf *out, const struct report *report)
{
	const char *comma = "";

	buf_append_cstr(out, ",\"error_kinds\":[");
	for (int kind = 0; kind < ERROR_KIND_COUNT; kind++) {
		if (!(report->error_kinds & 1u << kind))
			continue;
		buf_printf(out, "%s\"%s\"", comma, error_kind_names[kind]);
		comma = ",";
	}
	buf_append_char(out, ']');
}

static void json_exit(struct buf *out, const struct report *report)
{
	if (!report->exited)
		return;
	if (report->signal) {
		json_string(out, "signal", signal_name(report->signal));
		json_string(out, "sender", sender_names[report->sender]);
	} else {
		json_number(out, "exit_code", report->status);
	}
}

void tail_json_members(struct buf *out, const struct report *report)
{
	json_string(out, "tool_id", report->tool_id);
	json_string(out, "tool_exec_id", report->tool_exec_id);
	json_string(out, "outcome", outcome_names[report->outcome]);
	json_errors(out, report);
	json_exit(out, report);
	buf_printf(out, ",\"timed_out\":%s,\"adopted\":%s", report->timed_out ? "true" : "false",
		   report->adopted ? "true" : "false");
	json_number(out, "timeout_ms", report->timeout_ms);
	json_seconds(out, "seconds", report->latency_ns);
	if (report->has_startup)
		json_seconds(out, "startup_seconds", report->startup_ns);
	json_seconds(out, "cpu_seconds", report->cpu_ns);
	json_seconds(out, "main_thread_cpu_seconds", report->main_cpu_ns);
	json_seconds(out, "main_thread_runqueue_seconds", report->main_runqueue_ns);
	json_seconds(out, "main_thread_wait_seconds", report->main_wait_ns);
	json_number(out, "max_rss_bytes", report->max_rss_bytes);
	json_number(out, "input_bytes", report->input_bytes);
	if (report->has_output)
		json_number(out, "output_bytes", report->output_bytes);
	json_number(out, "stderr_bytes", report->stderr_bytes);
}

void tail_json(struct buf *out, const struct report *report)
{
	buf_printf(out, "{\"pid\":%u", report->pid);
	json_number(out, "parent_pid", report->parent_pid);
	tail_json_members(out, report);
	buf_append_cstr(out, "}\n");
}
