/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a Bun command line runs. Pure text: nothing is looked up in the file system. */
#include <stdbool.h>
#include <stddef.h>

#include "include/limits.h"

struct command {
	/*
	 * Base name of the script: the first argument with a script's extension, else the first
	 * that is neither an option, an option's value nor `run`; "" where there is none. Hostile
	 * bytes, no NUL.
	 */
	char script[ARGS_BYTES + 1];
	bool worker; /* an argument matches a worker pattern */
};

/*
 * args: n bytes, at most ARGS_BYTES, NUL-separated as in /proc/PID/cmdline. With `truncated` the
 * last argument is incomplete and not looked at. A relative path matches a pattern also with "./"
 * before it.
 */
void command_read(const void *args, size_t n, bool truncated, const char *const *workers,
		  size_t workers_count, struct command *ret);
