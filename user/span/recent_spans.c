/* SPDX-License-Identifier: Apache-2.0 */
#include "span/recent_spans.h"

#include <string.h>

#include "base/escape.h"
#include "span/summary.h"

#define NS_PER_SECOND 1000000000ull

static void copy_text(const struct span *span, const struct attribute *attribute,
		      char ret[RECENT_TEXT_BYTES + 1])
{
	const char *text = attribute ? span_text(span, attribute) : "";
	size_t n = strnlen(text, RECENT_TEXT_BYTES);

	memcpy(ret, text, n);
	ret[n] = '\0';
}

static void copy_events(const struct span *span, struct recent_span *ret)
{
	ret->events_count =
		span->events_count < RECENT_EVENTS_MAX ? span->events_count : RECENT_EVENTS_MAX;
	for (size_t i = 0; i < ret->events_count; i++) {
		const struct span_event *event = &span->events[i];

		ret->events[i].name = event->name;
		ret->events[i].ns = event->ns > span->start_ns ? event->ns - span->start_ns : 0;
	}
}

void recent_spans_add(struct recent_spans *recent, const struct span *span)
{
	struct recent_span *kept = &recent->spans[recent->count++ % RECENT_SPANS];

	kept->name = span->name;
	kept->trace = span->trace;
	kept->id = span->id;
	kept->parent = span->parent;
	kept->start_ns = span->epoch_ns + span->start_ns;
	kept->took_ns = span->end_ns - span->start_ns;
	kept->failed = span->status == SPAN_STATUS_ERROR;
	copy_events(span, kept);
	copy_text(span, summary_about(span), kept->about);
	copy_text(span, span_find(span, "tool_exec_id"), kept->tool_exec_id);
}

static void append_id(struct buf *out, const char *key, const uint8_t *bytes, size_t n)
{
	char text[2 * TRACE_ID_BYTES + 1];

	id_hex(bytes, n, text);
	buf_printf(out, "\"%s\":\"%s\",", key, text);
}

static void append_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, "\"%s\":", key);
	json_append_string(out, text, strlen(text));
	buf_append_char(out, ',');
}

static void append_seconds(struct buf *out, uint64_t ns)
{
	buf_printf(out, "%llu.%09llu", (unsigned long long)(ns / NS_PER_SECOND),
		   (unsigned long long)(ns % NS_PER_SECOND));
}

static void append_times(struct buf *out, const struct recent_span *span)
{
	buf_append_cstr(out, "\"started\":");
	append_seconds(out, span->start_ns);
	buf_append_cstr(out, ",\"seconds\":");
	append_seconds(out, span->took_ns);
	buf_append_cstr(out, ",\"events\":[");
	for (size_t i = 0; i < span->events_count; i++) {
		buf_printf(out, "%s[\"%s\",", i ? "," : "", span->events[i].name);
		append_seconds(out, span->events[i].ns);
		buf_append_char(out, ']');
	}
	buf_append_char(out, ']');
}

static void append_span(struct buf *out, const struct recent_span *span)
{
	bool is_root = !span_id_is_set(&span->parent);

	buf_append_char(out, '{');
	append_id(out, "trace", span->trace.bytes, TRACE_ID_BYTES);
	append_id(out, "span", span->id.bytes, SPAN_ID_BYTES);
	append_id(out, "parent", span->parent.bytes, is_root ? 0 : SPAN_ID_BYTES);
	append_text(out, "name", span->name);
	append_text(out, "about", span->about);
	append_text(out, "tool_exec_id", span->tool_exec_id);
	buf_printf(out, "\"failed\":%s,", span->failed ? "true" : "false");
	append_times(out, span);
	buf_append_cstr(out, "}\n");
}

void recent_spans_write(const struct recent_spans *recent, struct buf *out)
{
	size_t first = recent->count > RECENT_SPANS ? recent->count - RECENT_SPANS : 0;

	for (size_t i = first; i < recent->count; i++)
		append_span(out, &recent->spans[i % RECENT_SPANS]);
}
