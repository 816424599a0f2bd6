/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which requests are about executions, as a table: another server with other routes is described, not programmed.
 * A route is METHOD PATTERN KIND OPERATION. The pattern is a path below the base path; a segment in braces stands for
 * any one: {id} is the task's, agent's or workflow's id, {exec} the execution's, other names say nothing. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "exec/report.h"

#define ROUTE_METHOD_BYTES 16
#define ROUTE_PATTERN_BYTES 128 /* with the base path in front */

struct route {
	char method[ROUTE_METHOD_BYTES];
	char pattern[ROUTE_PATTERN_BYTES]; /* with the base path */
	enum exec_kind kind;
	enum exec_operation operation;
};

struct routes {
	struct route items[ROUTES_MAX];
	size_t count;
};

/* What a path says beside its route. Valid UTF-8. */
struct route_ids {
	char resource[RESOURCE_ID_BYTES +
		      1];	      /* RESOURCE_ID_INVALID where it cannot be a label; "" */
	char exec[EXEC_ID_BYTES + 1]; /* "" where there is none */
};

/* The routes of the first watched server, in the form that routes_add() takes. */
extern const char *const default_routes[];
extern const size_t default_routes_count;

/* 0; -EINVAL with one static text that says what is wrong; -ENOSPC when the table is full. */
int routes_add(struct routes *routes, const char *base_path, const char *text,
	       const char **ret_wrong);
/* The route of a request line, without its end of line; NULL when it is none of them. */
const struct route *routes_find(const struct routes *routes, const char *line, size_t n,
				struct route_ids *ret);
