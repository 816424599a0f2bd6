/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/attach.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <linux/perf_event.h>
#include <linux/types.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "include/watch.h" /* what the skeleton is made of */

#include "bunscope.skel.h"
#include "kernel/tracefs.h"
#include "kernel/uprobes.h"

struct bpf_program *skeleton_program(const struct bunscope_bpf *skeleton, enum plan_program program)
{
	switch (program) {
#define X(name, function)                                                                          \
	case PLAN_##name:                                                                          \
		return skeleton->progs.function;
		PLAN_PROGRAMS(X)
#undef X
#define X(name, function, when)                                                                    \
	case PLAN_##name##_SECOND:                                                                 \
		return skeleton->progs.function##_second;
		PLAN_TWICE(X)
#undef X
#define X(name, function, when)                                                                    \
	case PLAN_##name##_THIRD:                                                                  \
		return skeleton->progs.function##_third;
		PLAN_THRICE(X)
#undef X
	default:
		return NULL;
	}
}

/* The system calls whose tracepoints a program of that type is attached to; NULL-terminated. */
static const char *const *syscalls_of(enum plan_program program)
{
	static const char *const prepare[] = {"sys_enter_execve", "sys_enter_execveat", NULL};
	static const char *const failed[] = {"sys_exit_execve", "sys_exit_execveat", NULL};
	static const char *const pipes[] = {
		"sys_exit_pipe2",
		"sys_exit_socketpair",
#ifdef __x86_64__ /* newer architectures have no pipe() */
		"sys_exit_pipe",
#endif
		NULL,
	};
	static const char *const transfer[] = {
		"sys_exit_read",
		"sys_exit_readv",
		"sys_exit_preadv2",
		"sys_exit_recvfrom",
		"sys_exit_recvmsg",
		"sys_exit_write",
		"sys_exit_writev",
		"sys_exit_pwritev2",
		"sys_exit_sendto",
		"sys_exit_sendmsg",
		NULL,
	};

	switch (program) {
	case PLAN_EXEC_PREPARE_SYSCALL:
	case PLAN_EXEC_CALLED:
		return prepare;
	case PLAN_EXEC_FAILED:
	case PLAN_EXEC_FAILED_SECOND:
	case PLAN_EXEC_CALL_RETURNED:
		return failed;
	case PLAN_PIPE_FAILED:
	case PLAN_PIPE_FAILED_SECOND:
		return pipes;
	case PLAN_TRANSFER_TRACEPOINT:
	case PLAN_TRANSFER_TRACEPOINT_SECOND:
		return transfer;
	default:
		return NULL;
	}
}

static int keep_link(struct links *links, struct bpf_link *link)
{
	if (!link)
		return -errno;
	links->items[links->count++] = link;
	return 0;
}

/* A tracepoint's event is one for all cpus: the cpu that it is opened on does not matter. */
static int attach_syscall(struct links *links, const struct bpf_program *program, int tracefs,
			  const char *name)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr)};
	int id = tracefs_syscall_id(tracefs, name);

	if (id < 0)
		return id;
	attr.config = (uint64_t)id;
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = keep_link(links, bpf_program__attach_perf_event(program, fd));
	if (r == 0)
		(void)take_fd(fd); /* the link's from here on */
	return r;
}

static int attach_program(struct links *links, const struct bunscope_bpf *skeleton,
			  enum plan_program program)
{
	const struct bpf_program *bpf = skeleton_program(skeleton, program);
	const char *const *name = syscalls_of(program);
	int r = 0;

	if (bpf_program__type(bpf) == BPF_PROG_TYPE_KPROBE) {
		uprobes_prepare(bpf); /* attached to a server when there is one */
		return 0;
	}
	if (!name)
		return keep_link(links, bpf_program__attach(bpf));
	_cleanup_close_ int tracefs = tracefs_open();
	if (tracefs < 0)
		return tracefs;
	for (; *name && r == 0; name++)
		r = attach_syscall(links, bpf, tracefs, *name);
	return r;
}

/* Attaches a hook's programs. On failure the hook says so; only a required one makes it an error. */
static int attach_hook(struct links *links, const struct bunscope_bpf *skeleton,
		       struct plan_hook *hook)
{
	int r = 0;

	for (size_t i = 0; i < hook->count && r == 0; i++)
		r = attach_program(links, skeleton, hook->programs[i]);
	if (r == 0)
		return 0;
	hook->state = PLAN_FAILED;
	hook->reason = hook->lacks = "the kernel refused to attach it";
	hook->remedy = "the log says why";
	if (hook->required)
		return r;
	log_warn("probe %s/%s is off: %s", hook->family, hook->hook, strerror(-r));
	return 0;
}

int links_attach(struct links *links, const struct bunscope_bpf *skeleton, struct plan *plan,
		 char *ret_error, size_t error_bytes)
{
	for (size_t i = 0; i < plan->count; i++) {
		struct plan_hook *hook = &plan->hooks[i];

		if (hook->state == PLAN_FAILED)
			continue;
		int r = attach_hook(links, skeleton, hook);
		if (r < 0) {
			(void)snprintf(ret_error, error_bytes,
				       "cannot attach the %s/%s probe (%s): %s", hook->family,
				       hook->hook, hook->flavour, strerror(-r));
			return r;
		}
	}
	return 0;
}

static void *destroy_link(void *link)
{
	(void)bpf_link__destroy(link);
	return NULL;
}

/*
 * The kernel waits for grace periods at each tracepoint that it lets go, some 80 ms. Let go at the same time
 * they share some of them: the end takes half a second instead of a whole one.
 */
void links_detach(struct links *links)
{
	pthread_t threads[LINKS_MAX];
	bool started[LINKS_MAX] = {};

	for (size_t i = 0; i < links->count; i++) {
		started[i] = pthread_create(&threads[i], NULL, destroy_link, links->items[i]) == 0;
		if (!started[i])
			(void)destroy_link(links->items[i]);
	}
	for (size_t i = 0; i < links->count; i++) {
		if (started[i])
			(void)pthread_join(threads[i], NULL);
	}
	links->count = 0;
}
