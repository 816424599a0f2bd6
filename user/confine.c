/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <string.h>

#include "base/log.h"
#include "kernel/capability.h"
#include "sandbox/capabilities.h"
#include "sandbox/filter.h"

#define FAMILY "sandbox"

/* A sandbox that cannot be had is no reason not to watch: it is said, and the agent goes on. */
static void fail(struct plan *plan, const char *hook, int r)
{
	log_warn("probe " FAMILY "/%s is off: %s", hook, strerror(-r));
	plan_fail(plan, FAMILY, hook, "the kernel refused it", "the log says why");
}

void confine(struct plan *plan, unsigned purposes)
{
	_cleanup_buf_ struct buf kept = {};
	uint64_t keep = plan_keeps(plan), had;
	int r = capabilities_drop(keep, &had);

	if (r < 0)
		fail(plan, "capabilities", r);
	else
		capabilities_append(&kept, had);
	/* It is kept for nothing else. */
	if (keep & CAPABILITY_SYS_PTRACE)
		purposes |= FILTER_UPROBES;
	int filtered = filter_load(purposes);
	if (filtered < 0)
		fail(plan, "syscalls", filtered);
	if (r == 0 && filtered == 0)
		log_info("gave up what it no longer needs: capabilities kept: %s; no new "
			 "privileges; "
			 "system calls filtered",
			 buf_cstr(&kept));
}
