/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/storm/stopwatch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "tests/bench/storm/stopwatch.skel.h"
#include "tests/bench/tracepoint.h"

#define LINKS_MAX 64

struct stopwatch {
	struct stopwatch_bpf *skeleton;
	struct bpf_link *links[LINKS_MAX];
	int n_links;
};

/* As user/kernel/attach.c attaches door B. */
static const char *const transfers[] = {
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
static const char *const failures[] = {
	"sys_exit_execve", "sys_exit_execveat", "sys_exit_pipe2", "sys_exit_socketpair", NULL,
};

static int keep(struct stopwatch *stopwatch, struct bpf_link *link)
{
	if (!link)
		return -errno;
	stopwatch->links[stopwatch->n_links++] = link;
	return 0;
}

static int attach_program(struct stopwatch *stopwatch, const struct bpf_program *program)
{
	const char *const *names = NULL;
	int r = 0;

	if (strstr(bpf_program__name(program), "_transfer"))
		names = transfers;
	else if (strstr(bpf_program__name(program), "_failed"))
		names = failures;
	if (!names)
		return keep(stopwatch, bpf_program__attach(program));
	for (; *names && r == 0; names++)
		r = keep(stopwatch, tracepoint_attach(program, *names));
	return r;
}

static int attach_all(struct stopwatch *stopwatch, const char *prefix)
{
	struct bpf_program *program;
	int r = 0;

	bpf_object__for_each_program(program, stopwatch->skeleton->obj)
	{
		if (r == 0 && strncmp(bpf_program__name(program), prefix, strlen(prefix)) == 0)
			r = attach_program(stopwatch, program);
	}
	return r;
}

static int open_and_load(struct stopwatch *stopwatch)
{
	stopwatch->skeleton = stopwatch_bpf__open();
	if (!stopwatch->skeleton)
		return -errno;
	stopwatch->skeleton->rodata->bench_tgid = getpid();
	return stopwatch_bpf__load(stopwatch->skeleton);
}

struct stopwatch *stopwatch_begin(void)
{
	struct stopwatch *stopwatch = calloc(1, sizeof(*stopwatch));

	if (!stopwatch)
		return NULL;
	tracefs_need();
	int r = open_and_load(stopwatch);
	if (r == 0)
		r = attach_all(stopwatch, "start_");
	if (r == 0)
		return stopwatch;
	stopwatch_end(stopwatch);
	errno = -r;
	return NULL;
}

int stopwatch_attach_empty(struct stopwatch *stopwatch)
{
	return attach_all(stopwatch, "empty_");
}

int stopwatch_arm(struct stopwatch *stopwatch)
{
	return attach_all(stopwatch, "stop_");
}

static int lap_read(int fd, __u32 hook, struct lap *ret_lap)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct lap *laps = calloc((size_t)cpus, sizeof(*laps));

	*ret_lap = (struct lap){};
	if (!laps)
		return -ENOMEM;
	int r = bpf_map_lookup_elem(fd, &hook, laps);
	for (int i = 0; i < cpus && r == 0; i++) {
		ret_lap->ns += laps[i].ns;
		ret_lap->calls += laps[i].calls;
	}
	return r;
}

int stopwatch_read(const struct stopwatch *stopwatch, struct lap ret_laps[LAP_COUNT])
{
	int fd = bpf_map__fd(stopwatch->skeleton->maps.laps), r = 0;

	for (__u32 hook = 0; hook < LAP_COUNT && r == 0; hook++)
		r = lap_read(fd, hook, &ret_laps[hook]);
	return r;
}

void stopwatch_end(struct stopwatch *stopwatch)
{
	if (!stopwatch)
		return;
	while (stopwatch->n_links > 0)
		bpf_link__destroy(stopwatch->links[--stopwatch->n_links]);
	stopwatch_bpf__destroy(stopwatch->skeleton);
	free(stopwatch);
}
