/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/route.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void make_default(struct routes *routes)
{
	const char *wrong = "";

	*routes = (struct routes){};
	for (size_t i = 0; i < default_routes_count; i++)
		assert_int_equal(routes_add(routes, "/api/v0", default_routes[i], &wrong), 0);
}

static void requests_find_their_route(void **state)
{
	static const struct {
		const char *line;
		int kind; /* -1 = none of the routes */
		int operation;
		const char *resource;
		const char *exec;
	} cases[] = {
		{"POST /api/v0/tasks/sum/executions HTTP/1.1", EXEC_KIND_TASK, EXEC_OPERATION_ASYNC,
		 "sum", ""},
		{"POST /api/v0/tasks/sum/executions/sync HTTP/1.1", EXEC_KIND_TASK,
		 EXEC_OPERATION_SYNC, "sum", ""},
		{"POST /api/v0/agents/a/executions/sync?x=/y HTTP/1.1", EXEC_KIND_AGENT,
		 EXEC_OPERATION_SYNC, "a", ""},
		{"POST /api/v0/workflows/w%20x/executions HTTP/1.1", EXEC_KIND_WORKFLOW,
		 EXEC_OPERATION_ASYNC, "w x", ""},
		{"POST /api/v0/workflows/w%2/executions HTTP/1.1", EXEC_KIND_WORKFLOW,
		 EXEC_OPERATION_ASYNC, "w%2", ""},
		{"POST /api/v0/tasks/%ff/executions HTTP/1.1", EXEC_KIND_TASK, EXEC_OPERATION_ASYNC,
		 "_invalid", ""},
		{"GET /api/v0/executions/workflows/34fQ HTTP/1.1", EXEC_KIND_WORKFLOW,
		 EXEC_OPERATION_STATUS, "", "34fQ"},
		{"GET /api/v0/tasks/sum/executions HTTP/1.1", -1, 0, "", ""},
		{"POST /api/v0/tasks//executions HTTP/1.1", -1, 0, "", ""},
		{"POST /api/v0/tasks/a/b/executions HTTP/1.1", -1, 0, "", ""},
		{"POST /api/v0/tasks/sum/executions/ HTTP/1.1", -1, 0, "", ""},
		{"POST /api/v0/tasks/sum/executions/sync/x HTTP/1.1", -1, 0, "", ""},
		{"POST /api/v1/tasks/sum/executions HTTP/1.1", -1, 0, "", ""},
		{"POSTS /api/v0/tasks/sum/executions HTTP/1.1", -1, 0, "", ""},
		{"POST", -1, 0, "", ""},
		{"POST ", -1, 0, "", ""},
		{"", -1, 0, "", ""},
	};
	struct routes routes;

	(void)state;
	make_default(&routes);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct route_ids ids = {};
		const struct route *route =
			routes_find(&routes, cases[i].line, strlen(cases[i].line), &ids);

		if ((route != NULL) != (cases[i].kind >= 0))
			fail_msg("%s", cases[i].line);
		if (!route)
			continue;
		assert_int_equal(route->kind, cases[i].kind);
		assert_int_equal(route->operation, cases[i].operation);
		assert_string_equal(ids.resource, cases[i].resource);
		assert_string_equal(ids.exec, cases[i].exec);
	}
}

static void id_that_is_too_long_is_invalid(void **state)
{
	char line[400] = "POST /api/v0/tasks/";
	struct route_ids ids = {};
	struct routes routes;

	(void)state;
	make_default(&routes);
	memset(line + strlen(line), 'a', RESOURCE_ID_BYTES + 1);
	strcat(line, "/executions HTTP/1.1");
	assert_non_null(routes_find(&routes, line, strlen(line), &ids));
	assert_string_equal(ids.resource, RESOURCE_ID_INVALID);
}

static void another_server_is_described(void **state)
{
	struct route_ids ids = {};
	struct routes routes = {};
	const char *wrong = "", line[] = "PUT /run/flow-7 HTTP/1.0";

	(void)state;
	assert_int_equal(routes_add(&routes, "", "PUT  /run/{id}\tworkflow sync ", &wrong), 0);
	assert_non_null(routes_find(&routes, line, strlen(line), &ids));
	assert_string_equal(ids.resource, "flow-7");
}

static void senseless_descriptions_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"POST",
		"POST /x",
		"POST /x task",
		"post /x task sync",
		"POST x task sync",
		"POST /x tool sync",
		"POST /x task later",
		"POST /x task sync more",
		"POST /{id task sync",
		"POST /id} task sync",
		"POST /a{id} task sync",
		"POST /{id}b task sync",
		"POST /{{id} task sync",
		"POST /x?y task sync",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct routes routes = {};
		const char *wrong = NULL;

		if (routes_add(&routes, "", texts[i], &wrong) != -EINVAL || !wrong || routes.count)
			fail_msg("%s", texts[i]);
	}
}

static void full_table_takes_no_more(void **state)
{
	struct routes routes = {};
	const char *wrong = "";

	(void)state;
	for (size_t i = 0; i < ROUTES_MAX; i++)
		assert_int_equal(routes_add(&routes, "", "POST /x task sync", &wrong), 0);
	assert_int_equal(routes_add(&routes, "", "POST /x task sync", &wrong), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_find_their_route),
		cmocka_unit_test(id_that_is_too_long_is_invalid),
		cmocka_unit_test(another_server_is_described),
		cmocka_unit_test(senseless_descriptions_are_refused),
		cmocka_unit_test(full_table_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
