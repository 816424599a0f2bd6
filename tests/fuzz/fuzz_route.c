/* SPDX-License-Identifier: Apache-2.0 */
/* A route's description, a line feed, and a request line. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "exec/route.h"
#include "kernel/route_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *feed = n ? memchr(data, '\n', n) : NULL;
	size_t bytes = feed ? (size_t)(feed - data) : n;
	_cleanup_free_ char *text = strndup((const char *)data, bytes);
	struct routes routes = {};
	struct route_filter filter;
	struct route_ids ids = {};
	const char *wrong = NULL;

	if (!text || routes_add(&routes, "/api", text, &wrong) < 0)
		return 0;
	(void)route_filter_make(routes.items[0].method, routes.items[0].pattern, true, &filter);
	if (!feed || !routes_find(&routes, (const char *)feed + 1, n - bytes - 1, &ids))
		return 0;
	if (!utf8_valid(ids.resource, strlen(ids.resource)) ||
	    !utf8_valid(ids.exec, strlen(ids.exec)))
		abort();
	return 0;
}
