/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Starts a child the way Go's runtime does: clone with CLONE_VFORK and CLONE_PIDFD, a close-on-exec error pipe. */
#include <stdint.h>
#include <sys/types.h>

#define EXIT_EXEC_FAILED 253 /* what Go's child exits with when execve failed */

struct spawn_options {
	const char *exe;
	const char *const *argv;
	const char *const *envp;
	const char *cwd;
	const char *cgroup; /* directory of a cgroup that the child enters before exec, or NULL */
	int stdio[3];	    /* the child's ends; the caller closes its copies afterwards */
};

struct child {
	pid_t pid;
	int pidfd;
	uint64_t before_fork_ns; /* CLOCK_MONOTONIC: the fork happened between these two */
	uint64_t after_fork_ns;
};

/*
 * Returns 0 or -errno: of clone, or of what the child met before and in execve. After the latter the child has
 * been waited for, and ret_child's pid and times are set all the same.
 */
int child_spawn(const struct spawn_options *options, struct child *ret_child);

/* SIGKILL through the pidfd, as current Go does. Returns 0 or -errno. */
int child_kill(const struct child *child);

/* A child that ends at once without exec: Go starts one to learn whether pidfds work. */
void probe_child_spawn(void);

uint64_t clock_ns(void);
