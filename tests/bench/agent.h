/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts, asks and ends an agent of the benchmark's own, on 127.0.0.1. */
#include <stddef.h>
#include <sys/types.h>

struct agent {
	pid_t pid; /* 0 = not started */
	int port;
	double ready_ms; /* from just before fork to the first 200 on /readyz */
};

/*
 * Runs `path --web.listen-address=127.0.0.1:PORT` and any extra arguments (NULL-terminated, may be
 * NULL), its log going to log_path, and waits until it is ready. 0 or -errno; -ETIMEDOUT after a
 * minute, -ECHILD when it ended.
 */
int agent_start(struct agent *agent, const char *path, char *const extra[], const char *log_path);
/* SIGTERM, then SIGKILL when it is still there after five seconds; only the pid that agent_start()
 * made. */
void agent_stop(struct agent *agent);
/* Body of a GET, at most size - 1 bytes, NUL-terminated. The HTTP status or -errno. */
int agent_get(const struct agent *agent, const char *path, char *ret_body, size_t size);
