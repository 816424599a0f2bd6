/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

static uint64_t permitted(void)
{
	uint64_t set = 0;

	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		set |= capng_have_capability(CAPNG_PERMITTED, i) ? 1ull << i : 0;
	return set;
}

int capabilities_drop(uint64_t keep, uint64_t *ret_kept)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (capng_get_caps_process() < 0)
		return -EPERM;
	bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);

	keep &= permitted();
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
		if (keep >> i & 1)
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
	}
	/* The bounds first, while they may still be lowered. */
	if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		return -EPERM;
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	*ret_kept = keep;
	return 0;
}

void capabilities_append(struct buf *out, uint64_t set)
{
	const char *space = "";

	if (!set)
		buf_append_cstr(out, "none");
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
		const char *name = set >> i & 1 ? capng_capability_to_name(i) : NULL;

		if (!name)
			continue;
		buf_printf(out, "%sCAP_", space);
		for (; *name; name++)
			buf_append_char(out, *name >= 'a' && *name <= 'z'
						     ? (char)(*name - 'a' + 'A')
						     : *name);
		space = " ";
	}
}
