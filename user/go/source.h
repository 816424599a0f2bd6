/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the bytes of an executable come from. They are not mapped: whoever replaces a file in place could cut it
 * under the mapping. They are not all read: a server's executable may be larger than this agent.
 */
#include <stddef.h>
#include <stdint.h>

struct go_source {
	/* All n bytes from offset: 0; or -errno, also where the file ends before them. */
	int (*get)(void *arg, uint64_t offset, void *bytes, size_t n);
	void *arg;
};
