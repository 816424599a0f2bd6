/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "exec/builder.h"

static const struct routes *default_table(void)
{
	static struct routes routes;
	const char *wrong = "";

	if (routes.count)
		return &routes;
	for (size_t i = 0; i < default_routes_count; i++)
		assert_int_equal(routes_add(&routes, "/api/v0", default_routes[i], &wrong), 0);
	return &routes;
}

static void judge(const struct exchange *exchange, struct exec_report *ret)
{
	assert_true(exchange_judge(exchange, default_table(), ret));
}

static void answered_exchange_is_reported_whole(void **state)
{
	struct exec_report report;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	judge(&exchange, &report);
	assert_int_equal(report.exchange_id, 42);
	assert_int_equal(report.kind, EXEC_KIND_TASK);
	assert_int_equal(report.operation, EXEC_OPERATION_SYNC);
	assert_string_equal(report.resource_id, "sum");
	assert_string_equal(report.exec_id, "34fQ0bZk1xYvT7mN2cR8sL5pWdA");
	assert_int_equal(report.status, 200);
	assert_int_equal(report.code, 200);
	assert_int_equal(report.outcome, EXEC_OUTCOME_SUCCESS);
	assert_int_equal(report.latency_ns, 20000000);
	assert_false(report.refused || report.client_left || report.cut);
}

static void outcome_follows_the_status(void **state)
{
	static const struct {
		unsigned status;
		enum exec_outcome outcome;
		bool refused;
	} cases[] = {
		{200, EXEC_OUTCOME_SUCCESS, false}, {202, EXEC_OUTCOME_SUCCESS, false},
		{299, EXEC_OUTCOME_SUCCESS, false}, {301, EXEC_OUTCOME_ERROR, false},
		{400, EXEC_OUTCOME_ERROR, false},   {401, EXEC_OUTCOME_ERROR, true},
		{403, EXEC_OUTCOME_ERROR, true},    {404, EXEC_OUTCOME_ERROR, false},
		{408, EXEC_OUTCOME_TIMEOUT, false}, {429, EXEC_OUTCOME_ERROR, true},
		{500, EXEC_OUTCOME_ERROR, false},   {503, EXEC_OUTCOME_ERROR, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report report;
		struct exchange exchange;

		build_exchange(&exchange);
		exchange.status = cases[i].status;
		judge(&exchange, &report);
		assert_int_equal(report.outcome, cases[i].outcome);
		assert_int_equal(report.refused, cases[i].refused);
	}
}

static void build_closed(struct exchange *exchange, const char *line, bool client_left)
{
	build_exchange(exchange);
	build_line(exchange, line);
	exchange->response_first_ns = exchange->response_last_ns = 0;
	exchange->status = 0;
	exchange->body_bytes[EXCHANGE_RESPONSE] = 0;
	exchange->end = EXCHANGE_CLOSED;
	exchange->client_gone_ns = client_left ? build_at(10) : 0;
}

#define TASK "POST /api/v0/tasks/x/executions/sync HTTP/1.1"
#define WORKFLOW "POST /api/v0/workflows/x/executions/sync HTTP/1.1"

static void without_an_answer_it_matters_who_left(void **state)
{
	static const struct {
		const char *line;
		bool client_left;
		unsigned code;
		enum exec_outcome outcome;
	} cases[] = {
		{TASK, false, 0, EXEC_OUTCOME_ERROR},
		{WORKFLOW, false, 0, EXEC_OUTCOME_ERROR},
		{TASK, true, 500, EXEC_OUTCOME_ERROR},
		{WORKFLOW, true, 408, EXEC_OUTCOME_TIMEOUT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report report;
		struct exchange exchange;

		build_closed(&exchange, cases[i].line, cases[i].client_left);
		judge(&exchange, &report);
		assert_int_equal(report.status, 0);
		assert_int_equal(report.code, cases[i].code);
		assert_int_equal(report.outcome, cases[i].outcome);
		assert_int_equal(report.client_left, cases[i].client_left);
		assert_int_equal(report.latency_ns, 21000000);
	}
}

static void answer_counts_though_the_client_had_left(void **state)
{
	struct exec_report report;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	exchange.client_gone_ns = build_at(10);
	judge(&exchange, &report);
	assert_int_equal(report.code, 200);
	assert_false(report.client_left);
}

static void unknown_ends_and_other_paths_are_no_reports(void **state)
{
	struct exec_report report;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	exchange.end = EXCHANGE_UNKNOWN;
	assert_false(exchange_judge(&exchange, default_table(), &report));
	build_exchange(&exchange);
	exchange.end = EXCHANGE_OPEN;
	assert_false(exchange_judge(&exchange, default_table(), &report));
	build_exchange(&exchange);
	build_line(&exchange, "POST /api/v0/tasks HTTP/1.1");
	assert_false(exchange_judge(&exchange, default_table(), &report));
}

static void line_may_be_cut_behind_its_path(void **state)
{
	struct exec_report report;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	exchange.flags |= EXCHANGE_LINE_CUT;
	build_line(&exchange, "POST /api/v0/tasks/sum/executions/sync?a=b");
	assert_true(exchange_judge(&exchange, default_table(), &report));
	build_line(&exchange, "POST /api/v0/tasks/sum/executions");
	assert_false(exchange_judge(&exchange, default_table(), &report));
}

static void put_tracestate(struct exchange *exchange, const char *text, size_t n)
{
	memset(exchange->tracestate, 'x', TRACESTATE_BYTES);
	memcpy(exchange->tracestate, text, strlen(text));
	exchange->tracestate_bytes = (uint32_t)n;
}

static void trace_context_is_trimmed_and_whole(void **state)
{
	static const char parent[] = " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t";
	struct exec_report report;
	struct exchange exchange;

	(void)state;
	build_exchange(&exchange);
	memcpy(exchange.traceparent, parent, strlen(parent));
	exchange.traceparent_bytes = (uint32_t)strlen(parent);
	put_tracestate(&exchange, " a=1,b=2", 8);
	judge(&exchange, &report);
	assert_string_equal(report.traceparent,
			    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
	assert_string_equal(report.tracestate, "a=1,b=2");

	put_tracestate(&exchange, "a=1,b=", TRACESTATE_BYTES);
	exchange.traceparent_bytes = TRACEPARENT_BYTES;
	judge(&exchange, &report);
	assert_string_equal(report.traceparent, "");
	assert_string_equal(report.tracestate, "a=1");
}

static void execution_id_is_read_where_it_is_whole(void **state)
{
	static const struct {
		const char *body;
		const char *id;
	} cases[] = {
		{"{\"data\":{\"exec_id\" : \"abc\"}}", "abc"},
		{"{\"data\":{\"exec_id\":\"ab", ""},
		{"{\"exec_id\":12}", ""},
		{"{\"exec_id\":\"\"}", ""},
		{"{\"exec_id\":\"a\\u0041\"}", ""},
		{"{\"exec_id\"", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_report report;
		struct exchange exchange;

		build_exchange(&exchange);
		build_body(&exchange, cases[i].body);
		judge(&exchange, &report);
		assert_string_equal(report.exec_id, cases[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered_exchange_is_reported_whole),
		cmocka_unit_test(outcome_follows_the_status),
		cmocka_unit_test(without_an_answer_it_matters_who_left),
		cmocka_unit_test(answer_counts_though_the_client_had_left),
		cmocka_unit_test(unknown_ends_and_other_paths_are_no_reports),
		cmocka_unit_test(line_may_be_cut_behind_its_path),
		cmocka_unit_test(trace_context_is_trimmed_and_whole),
		cmocka_unit_test(execution_id_is_read_where_it_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
