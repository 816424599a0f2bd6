/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <errno.h>

#include "base/log.h"
#include "kernel/caps.h"
#include "kernel/libbpf_log.h"
#include "kernel/route_filter.h"

#define MESSAGE_BYTES 256

static enum stdio_probe stdio_probe(const struct config *config)
{
	switch (config->stdio) {
	case CONFIG_STDIO_FENTRY:
		return STDIO_PROBE_FENTRY;
	case CONFIG_STDIO_SYSCALL:
		return STDIO_PROBE_SYSCALL;
	default:
		return STDIO_PROBE_AUTO;
	}
}

void setup_plan(const struct config *config, struct plan *ret)
{
	struct caps caps;

	libbpf_log_setup();
	caps_ask(&caps);
	plan_make(&caps, stdio_probe(config), ret);
}

/* Facts say that door A should work; whether this kernel's structures suit its programs, only loading it tells. */
static void plan_without_door_a(struct plan *ret)
{
	struct caps caps;

	caps_ask(&caps);
	caps.pipe = caps.anon_pipe = caps.tcp_functions = false;
	plan_make(&caps, STDIO_PROBE_AUTO, ret);
}

int setup_routes(const struct config *config, struct routes *ret, struct buf *message)
{
	const char *const *texts = (const char *const *)config->routes.items;
	size_t count = config->routes.count;
	const char *wrong = "does not fit into the table";
	struct routes routes = {};

	if (count == 0) {
		texts = default_routes;
		count = default_routes_count;
	}
	for (size_t i = 0; i < count; i++) {
		int r = routes_add(&routes, config->base_path, texts[i], &wrong);
		if (r < 0) {
			buf_printf(message, "the route '%s' below '%s' %s", texts[i],
				   config->base_path, wrong);
			return r;
		}
	}
	*ret = routes;
	return 0;
}

/* What the kernel side compares of them. */
static int setup_filters(const struct config *config, struct route_filter ret[ROUTES_MAX],
			 size_t *ret_count, struct buf *message)
{
	struct routes routes;
	int r = setup_routes(config, &routes, message);

	for (size_t i = 0; r == 0 && i < routes.count; i++) {
		const struct route *route = &routes.items[i];

		r = route_filter_make(route->method, route->pattern,
				      route->operation != EXEC_OPERATION_STATUS, &ret[i]);
		if (r < 0)
			buf_printf(message,
				   "the route %s %s is too long in front of its first {} "
				   "or behind its last",
				   route->method, route->pattern);
	}
	if (r == 0)
		*ret_count = routes.count;
	return r;
}

int setup_probe(const struct config *config, struct plan *plan, probe_record_fn *finished,
		void *arg, struct probe **ret, struct buf *message)
{
	const struct plan_hook *missing = plan_missing(plan);
	struct route_filter filters[ROUTES_MAX];
	struct probe_config probe_config = {
		.exe_globs = (const char *const *)config->exes.items,
		.exe_globs_count = config->exes.count,
		.server_globs = (const char *const *)config->server_exes.items,
		.server_globs_count = config->server_exes.count,
		.server_port = (uint16_t)config->server_port,
		.routes = filters,
		.keep_requests = config->tail_spans || config_otlp_on(&config->otlp),
		.max_runs = config->max_runs,
		.ring_bytes = config->ring_bytes,
		.finished = finished,
		.arg = arg,
	};
	char error[MESSAGE_BYTES] = "";

	if (missing) {
		buf_printf(message, "nothing can serve the %s/%s probe: %s; %s", missing->family,
			   missing->hook, missing->reason, missing->remedy);
		return -EOPNOTSUPP;
	}
	int r = setup_filters(config, filters, &probe_config.routes_count, message);
	if (r < 0)
		return r;
	r = probe_start(&probe_config, plan, ret, error, sizeof(error));
	if (r < 0 && config->stdio == CONFIG_STDIO_AUTO && plan_has_door_a(plan)) {
		log_warn("%s; trying without --probe.stdio=fentry", error);
		plan_without_door_a(plan);
		r = probe_start(&probe_config, plan, ret, error, sizeof(error));
	}
	if (r < 0)
		buf_append_cstr(message, error);
	return r;
}
