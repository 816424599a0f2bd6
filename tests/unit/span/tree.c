/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "span/tree.h"

#define MS 1000000ull

static void a_trace_is_a_tree(void **state)
{
	static const struct span_place root = {}, child = {.child = true}, last = {true, true};
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	_cleanup_buf_ struct buf out = {};
	struct tree tree = {};

	(void)state;
	assert_non_null(span);
	span_begin(span, "agent.execute_sync", 1000 * MS, 1500 * MS);
	span->trace.bytes[0] = 0xab;
	span->parent.bytes[7] = 1;
	span_add_string(span, "agent_id", "a");
	span_add_int(span, "http.response.status_code", 200);
	tree_append(&tree, span, &root, &out);

	span_begin(span, "runtime.execute_tool", 1010 * MS, 1100 * MS);
	span_add_string(span, "tool_id", "\x1b[2J");
	(void)span_add_event(span, "exec", 1011 * MS);
	(void)span_add_event(span, "exit", 1100 * MS);
	tree_append(&tree, span, &child, &out);

	span_begin(span, "runtime.execute_tool", 1200 * MS, 1450 * MS);
	span_add_string(span, "tool_id", "sum");
	span_add_string(span, "error_kind", "timeout");
	(void)span_add_event(span, "exec", 1201 * MS);
	tree_append(&tree, span, &last, &out);
	assert_string_equal(
		buf_cstr(&out),
		"trace ab000000000000000000000000000000 under 0000000000000001\n"
		"agent.execute_sync                  +0.0     500.0 ms  a                        "
		"200\n"
		"├─ runtime.execute_tool            +10.0      90.0 ms  ?[2J                     "
		"ok\n"
		"│     exec +1.0 exit +90.0\n"
		"└─ runtime.execute_tool           +200.0     250.0 ms  sum                      "
		"timeout\n"
		"      exec +1.0\n");
}

static void a_run_alone_is_a_trace(void **state)
{
	static const struct span_place root = {};
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	_cleanup_buf_ struct buf out = {};
	struct tree tree = {};

	(void)state;
	assert_non_null(span);
	span_begin(span, "runtime.execute_tool", 5 * MS, 6 * MS);
	tree_append(&tree, span, &root, &out);
	assert_string_equal(
		buf_cstr(&out),
		"trace 00000000000000000000000000000000\n"
		"runtime.execute_tool                +0.0       1.0 ms                   "
		"        ok\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_is_a_tree),
		cmocka_unit_test(a_run_alone_is_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
