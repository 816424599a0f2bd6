/* SPDX-License-Identifier: Apache-2.0 */
#include "span/recent_spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define MS 1000000ull

static struct recent_spans *recent_new(void)
{
	struct recent_spans *recent = calloc(1, sizeof(*recent));

	assert_non_null(recent);
	return recent;
}

static void a_span_is_a_line(void **state)
{
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	_cleanup_free_ struct recent_spans *recent = recent_new();
	_cleanup_buf_ struct buf out = {};

	(void)state;
	assert_non_null(span);
	span_begin(span, "agent.execute_sync", 1000 * MS, 1500 * MS);
	span->trace.bytes[0] = 0xab;
	span->id.bytes[0] = 1;
	span->epoch_ns = 2000 * MS;
	span_add_string(span, "agent_id", "a\"\x01");
	recent_spans_add(recent, span);

	span_begin(span, "runtime.execute_tool", 1010 * MS, 1100 * MS);
	span->trace.bytes[0] = 0xab;
	span->id.bytes[0] = 2;
	span->parent.bytes[0] = 1;
	span->epoch_ns = 2000 * MS;
	span->status = SPAN_STATUS_ERROR;
	span_add_string(span, "tool_id", "sum");
	span_add_string(span, "tool_exec_id", "x");
	(void)span_add_event(span, "exec", 1011 * MS);
	(void)span_add_event(span, "exit", 1100 * MS);
	recent_spans_add(recent, span);

	recent_spans_write(recent, &out);
	assert_string_equal(
		buf_cstr(&out),
		"{\"trace\":\"ab000000000000000000000000000000\",\"span\":\"0100000000000000\","
		"\"parent\":\"\",\"name\":\"agent.execute_sync\",\"about\":\"a\\\"\\u0001\","
		"\"tool_exec_id\":\"\",\"failed\":false,\"started\":3.000000000,"
		"\"seconds\":0.500000000,\"events\":[]}\n"
		"{\"trace\":\"ab000000000000000000000000000000\",\"span\":\"0200000000000000\","
		"\"parent\":\"0100000000000000\",\"name\":\"runtime.execute_tool\",\"about\":"
		"\"sum\","
		"\"tool_exec_id\":\"x\",\"failed\":true,\"started\":3.010000000,"
		"\"seconds\":0.090000000,"
		"\"events\":[[\"exec\",0.001000000],[\"exit\",0.090000000]]}\n");
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* Texts and events that are too long or too many are cut, spans that are too many go. */
static void what_is_kept_is_bounded(void **state)
{
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	_cleanup_free_ struct recent_spans *recent = recent_new();
	_cleanup_buf_ struct buf out = {};
	char id[2 * RECENT_TEXT_BYTES];

	(void)state;
	assert_non_null(span);
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	for (uint64_t i = 1; i <= RECENT_SPANS + 3; i++) {
		span_begin(span, "workflow.wait_completion", i * MS, (i + 1) * MS);
		span_add_string(span, "workflow_id", id);
		for (uint64_t event = 1; event <= SPAN_EVENTS_MAX; event++)
			(void)span_add_event(span, "poll_iteration", i * MS + event);
		recent_spans_add(recent, span);
	}
	recent_spans_write(recent, &out);
	assert_int_equal(lines_of(buf_cstr(&out)), RECENT_SPANS);
	assert_int_equal(recent->spans[3].start_ns, 4 * MS);
	assert_int_equal(recent->spans[0].start_ns, (RECENT_SPANS + 1) * MS);
	assert_int_equal(recent->spans[0].events_count, RECENT_EVENTS_MAX);
	assert_int_equal(strlen(recent->spans[0].about), RECENT_TEXT_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_is_a_line),
		cmocka_unit_test(what_is_kept_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
