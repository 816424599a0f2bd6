/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "span/exec_span.h"

static struct exec_report make_report(void)
{
	return (struct exec_report){
		.exchange_id = 1,
		.server_pid = 100,
		.kind = EXEC_KIND_TASK,
		.operation = EXEC_OPERATION_SYNC,
		.resource_id = "sum",
		.exec_id = "34fQ0bZk1xYvT7mN2cR8sL5pWdA",
		.status = 200,
		.outcome = EXEC_OUTCOME_SUCCESS,
		.request_first_ns = 1000,
		.response_first_ns = 3000,
		.end_ns = 4000,
		.latency_ns = 2000,
	};
}

static void assert_span(const struct exec_report *report, const char *name, const char *attributes,
			enum span_status status)
{
	_cleanup_free_ struct span *span = calloc(1, sizeof(*span));
	_cleanup_buf_ struct buf out = {};

	assert_non_null(span);
	exec_span_build(report, span);
	for (size_t i = 0; i < span->attributes_count; i++) {
		const struct attribute *a = &span->attributes[i];

		if (a->type == ATTRIBUTE_INT)
			buf_printf(&out, "%s=%lld ", a->key, (long long)a->number);
		else
			buf_printf(&out, "%s=%s ", a->key, span_text(span, a));
	}
	assert_string_equal(buf_cstr(&out), attributes);
	assert_string_equal(span->name, name);
	assert_int_equal(span->status, status);
	assert_int_equal(span->kind, SPAN_SERVER);
	assert_int_equal(span->start_ns, 1000);
	assert_int_equal(span->end_ns, 4000);
}

static void kinds_and_operations_have_names(void **state)
{
	struct exec_report report = make_report();

	(void)state;
	assert_span(&report, "task.execute_sync",
		    "task_id=sum exec_id=34fQ0bZk1xYvT7mN2cR8sL5pWdA component=task "
		    "http.request.method=POST http.response.status_code=200 process.pid=100 ",
		    SPAN_STATUS_UNSET);
	report.kind = EXEC_KIND_WORKFLOW;
	report.operation = EXEC_OPERATION_ASYNC;
	report.status = 202;
	report.asked.timeout_ms = 500;
	strcpy(report.asked.action, "analyse");
	report.exec_id[0] = '\0';
	assert_span(&report, "workflow.execute_async",
		    "workflow_id=sum timeout_ms=500 action=analyse component=workflow "
		    "http.request.method=POST "
		    "http.response.status_code=202 process.pid=100 ",
		    SPAN_STATUS_UNSET);
}

/* What the client did wrong is not the server's error; no answer at all is. */
static void errors_follow_the_rules_for_servers(void **state)
{
	static const struct {
		uint32_t status;
		enum exec_outcome outcome;
		const char *errors;
		enum span_status span_status;
	} cases[] = {
		{404, EXEC_OUTCOME_ERROR, "error_type=404 ", SPAN_STATUS_UNSET},
		{408, EXEC_OUTCOME_TIMEOUT, "error_type=timeout ", SPAN_STATUS_UNSET},
		{500, EXEC_OUTCOME_ERROR, "error_type=500 error.type=500 ", SPAN_STATUS_ERROR},
		{503, EXEC_OUTCOME_ERROR, "error_type=503 error.type=503 ", SPAN_STATUS_ERROR},
		{0, EXEC_OUTCOME_ERROR, "error_type=none error.type=none ", SPAN_STATUS_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report report = make_report();
		_cleanup_buf_ struct buf wanted = {};

		report.kind = EXEC_KIND_AGENT;
		report.exec_id[0] = '\0';
		report.status = cases[i].status;
		report.outcome = cases[i].outcome;
		buf_append_cstr(&wanted, "agent_id=sum component=agent http.request.method=POST ");
		if (report.status)
			buf_printf(&wanted, "http.response.status_code=%u ", report.status);
		buf_printf(&wanted, "process.pid=100 %s", cases[i].errors);
		assert_span(&report, "agent.execute_sync", buf_cstr(&wanted), cases[i].span_status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_operations_have_names),
		cmocka_unit_test(errors_follow_the_rules_for_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
