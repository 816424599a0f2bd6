/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <errno.h>

#include "base/log.h"
#include "kernel/caps.h"
#include "kernel/libbpf_log.h"

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
	caps.pipe = caps.anon_pipe = false;
	plan_make(&caps, STDIO_PROBE_AUTO, ret);
}

int setup_probe(const struct config *config, struct plan *plan, probe_record_fn *finished,
		void *arg, struct probe **ret, struct buf *message)
{
	const struct plan_hook *missing = plan_missing(plan);
	struct probe_config probe_config = {
		.exe_globs = (const char *const *)config->exes.items,
		.exe_globs_count = config->exes.count,
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
	int r = probe_start(&probe_config, plan, ret, error, sizeof(error));
	if (r < 0 && config->stdio == CONFIG_STDIO_AUTO && plan_has_door_a(plan)) {
		log_warn("%s; trying without --probe.stdio=fentry", error);
		plan_without_door_a(plan);
		r = probe_start(&probe_config, plan, ret, error, sizeof(error));
	}
	if (r < 0)
		buf_append_cstr(message, error);
	return r;
}
