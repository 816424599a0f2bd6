/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Capabilities and other privileges, given up for good. Bit sets, numbered as in linux/capability.h. */
#include <stdint.h>

#include "base/buf.h"

/*
 * Keeps of its capabilities those in `keep`, and can gain none by executing anything. Call it while there
 * is one thread: others would keep theirs. 0, and those that it had of them and keeps; or -errno.
 */
int capabilities_drop(uint64_t keep, uint64_t *ret_kept);
/* `CAP_BPF CAP_PERFMON`, or `none`. */
void capabilities_append(struct buf *out, uint64_t set);
