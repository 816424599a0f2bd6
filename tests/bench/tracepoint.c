/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/tracepoint.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#define TRACEFS "/sys/kernel/tracing"

void tracefs_need(void)
{
	if (access(TRACEFS "/events", F_OK) == 0)
		return;
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tracefs", TRACEFS, "tracefs", 0, NULL) < 0)
		perror("no tracefs");
}

/* The tracepoint's id, -errno where there is none. */
static long tracepoint_id(const char *name)
{
	char path[256], text[32] = "";

	snprintf(path, sizeof(path), TRACEFS "/events/syscalls/%s/id", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -EIO;
}

struct bpf_link *tracepoint_attach(const struct bpf_program *program, const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	long id = tracepoint_id(name);

	if (id < 0) {
		errno = (int)-id;
		return NULL;
	}
	attr.config = (uint64_t)id;
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct bpf_link *link = bpf_program__attach_perf_event(program, fd);
	if (!link)
		close(fd);
	return link;
}
