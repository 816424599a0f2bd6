/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/libbpf_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"

/* A verifier's log is one message of many lines. */
static int log_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL;

	if (level == LIBBPF_DEBUG || !log_enabled(LOG_LEVEL_DEBUG) ||
	    vasprintf(&text, format, args) < 0)
		return 0;
	char *rest = text;
	for (const char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		if (*line)
			log_debug("%s", line);
	}
	return 0;
}

void libbpf_log_setup(void)
{
	(void)libbpf_set_print(log_libbpf);
}
