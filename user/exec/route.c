/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/route.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

/* COMPOZY.md §6: the first match counts, so the longer pattern of two stands first. */
#define ROUTES_OF(resources, kind)                                                                 \
	"POST /" resources "/{id}/executions/sync " kind " sync",                                  \
		"POST /" resources "/{id}/executions " kind " async",                              \
		"GET /executions/" resources "/{exec} " kind " status"
const char *const default_routes[] = {
	ROUTES_OF("tasks", "task"),
	ROUTES_OF("agents", "agent"),
	ROUTES_OF("workflows", "workflow"),
};
const size_t default_routes_count = ARRAY_SIZE(default_routes);

/* ---- reading a description ---- */

/* The next word of a description; empty at its end. */
struct word {
	const char *p;
	size_t n;
};

static struct word word_next(const char **text)
{
	struct word word = {.p = *text + strspn(*text, " \t")};

	word.n = strcspn(word.p, " \t");
	*text = word.p + word.n;
	return word;
}

static bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.n && memcmp(word.p, text, word.n) == 0;
}

static int name_index(struct word word, const char *const *names, int count)
{
	for (int i = 0; i < count; i++) {
		if (word_is(word, names[i]))
			return i;
	}
	return -1;
}

static bool is_method(struct word word)
{
	if (word.n == 0 || word.n >= ROUTE_METHOD_BYTES)
		return false;
	return word.n == strspn(word.p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* A path; each brace opens or closes a whole segment. */
static bool is_pattern(const char *pattern)
{
	if (*pattern != '/')
		return false;
	for (const char *p = pattern; *p; p++) {
		if (*p <= ' ' || *p == '?' || *p == '#' || *p == 0x7f)
			return false;
		if (*p == '{' && p[-1] != '/')
			return false;
		if (*p == '}' && p[1] != '/' && p[1] != '\0')
			return false;
	}
	return true;
}

static bool braces_match(const char *pattern)
{
	bool open = false;

	for (const char *p = pattern; *p; p++) {
		if (*p == '{' && open)
			return false;
		if ((*p == '}' || *p == '/') && open != (*p == '}'))
			return false;
		if (*p == '{' || *p == '}')
			open = *p == '{';
	}
	return !open;
}

static int wrong(const char **ret, const char *text)
{
	*ret = text;
	return -EINVAL;
}

static int route_read(struct route *route, const char *base_path, const char *text,
		      const char **ret_wrong)
{
	struct word method = word_next(&text), path = word_next(&text);
	int kind = name_index(word_next(&text), exec_kind_names, EXEC_KIND_COUNT);
	int operation = name_index(word_next(&text), exec_operation_names, EXEC_OPERATION_COUNT);
	size_t base = strlen(base_path);

	if (!is_method(method))
		return wrong(ret_wrong, "does not begin with a method in upper case");
	if (base + path.n >= sizeof(route->pattern))
		return wrong(ret_wrong, "has too long a path");
	memcpy(route->method, method.p, method.n);
	memcpy(route->pattern, base_path, base);
	memcpy(route->pattern + base, path.p, path.n);
	if (path.n == 0 || !is_pattern(route->pattern) || !braces_match(route->pattern))
		return wrong(ret_wrong, "has no path like /tasks/{id}/executions");
	if (kind < 0)
		return wrong(ret_wrong, "has a kind other than task, agent, workflow");
	if (operation < 0)
		return wrong(ret_wrong, "has an operation other than async, sync, status");
	if (word_next(&text).n)
		return wrong(ret_wrong, "has more than METHOD PATTERN KIND OPERATION");
	route->kind = (enum exec_kind)kind;
	route->operation = (enum exec_operation)operation;
	return 0;
}

int routes_add(struct routes *routes, const char *base_path, const char *text,
	       const char **ret_wrong)
{
	struct route route = {};

	if (routes->count == ROUTES_MAX)
		return -ENOSPC;
	int r = route_read(&route, base_path, text, ret_wrong);
	if (r == 0)
		routes->items[routes->count++] = route;
	return r;
}

/* ---- matching ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent escapes decoded. False: too long, or not text. */
static bool segment_decode(const char *p, size_t n, char *ret, size_t cap)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		int high = p[i] == '%' && i + 2 < n ? hex_digit(p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(p[i + 2]) : -1;

		if (bytes + 1 >= cap)
			return false;
		ret[bytes++] = low >= 0 ? (char)(high << 4 | low) : p[i];
		i += low >= 0 ? 2 : 0;
	}
	ret[bytes] = '\0';
	return utf8_valid(ret, bytes);
}

static void ids_take(struct route_ids *ids, struct word name, struct word value)
{
	if (word_is(name, "{id}") &&
	    !segment_decode(value.p, value.n, ids->resource, sizeof(ids->resource)))
		memcpy(ids->resource, RESOURCE_ID_INVALID, sizeof(RESOURCE_ID_INVALID));
	if (word_is(name, "{exec}") &&
	    !segment_decode(value.p, value.n, ids->exec, sizeof(ids->exec)))
		ids->exec[0] = '\0';
}

/* Up to the next slash; moves behind it. */
static struct word segment_next(const char **p, const char *end)
{
	struct word segment = {.p = *p};
	const char *slash = memchr(*p, '/', (size_t)(end - *p));

	segment.n = (size_t)((slash ? slash : end) - *p);
	*p = slash ? slash + 1 : end;
	return segment;
}

static bool path_matches(const char *pattern, struct word path, struct route_ids *ids)
{
	const char *a = pattern, *a_end = pattern + strlen(pattern);
	const char *b = path.p, *b_end = path.p + path.n;

	while (a < a_end && b < b_end) {
		struct word want = segment_next(&a, a_end), have = segment_next(&b, b_end);

		if (want.n && *want.p == '{') {
			if (have.n == 0)
				return false;
			ids_take(ids, want, have);
		} else if (want.n != have.n || memcmp(want.p, have.p, want.n) != 0) {
			return false;
		}
	}
	/* A slash at the end leaves an empty segment. */
	return a == a_end && b == b_end && (a_end[-1] == '/') == (b_end[-1] == '/');
}

/* The path of a request line's target, without the query. */
static struct word path_of(const char *line, size_t n, size_t method)
{
	const char *end = line + n, *blank;
	struct word path = {.p = line + method + 1};

	blank = memchr(path.p, ' ', (size_t)(end - path.p));
	path.n = (size_t)((blank ? blank : end) - path.p);
	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '?' || path.p[i] == '#')
			path.n = i;
	}
	return path;
}

const struct route *routes_find(const struct routes *routes, const char *line, size_t n,
				struct route_ids *ret)
{
	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->items[i];
		size_t method = strlen(route->method);
		struct route_ids ids = {};

		if (n <= method || line[method] != ' ' || memcmp(line, route->method, method) != 0)
			continue;
		struct word path = path_of(line, n, method);
		if (path.n && path_matches(route->pattern, path, &ids)) {
			*ret = ids;
			return route;
		}
	}
	return NULL;
}
