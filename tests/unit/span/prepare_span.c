/* SPDX-License-Identifier: Apache-2.0 */
#include "span/prepare_span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static struct exec_report agent_report(void)
{
	return (struct exec_report){
		.kind = EXEC_KIND_AGENT,
		.asked = {.action = "analyse"},
		.request_first_ns = 1000,
		.request_last_ns = 2000,
		.execution_ns = 3000,
		.end_ns = 9000,
	};
}

static void from_the_request_to_the_execution(void **state)
{
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	struct exec_report report = agent_report();

	(void)state;
	assert_non_null(span);
	assert_true(prepare_span_build(&report, span));
	assert_string_equal(span->name, "agent.prepare");
	assert_int_equal(span->start_ns, 2000);
	assert_int_equal(span->end_ns, 3000);
	assert_int_equal(span->attributes_count, 1);
	assert_string_equal(span_text(span, span_find(span, "action")), "analyse");
	report.asked.action[0] = '\0';
	assert_true(prepare_span_build(&report, span));
	assert_int_equal(span->attributes_count, 0);
}

static void never_invented(void **state)
{
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	struct exec_report others[] = {agent_report(), agent_report(), agent_report(),
				       agent_report()};

	(void)state;
	assert_non_null(span);
	others[0].kind = EXEC_KIND_TASK;
	others[1].execution_ns = 0;
	others[2].request_last_ns = 0;
	others[3].execution_ns = others[3].request_last_ns - 1;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(prepare_span_build(&others[i], span));
	assert_null(span->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_request_to_the_execution),
		cmocka_unit_test(never_invented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
