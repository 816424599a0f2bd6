/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/storm/bpftime.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PROGRAMS_MAX 256

struct program_ids {
	__u32 ids[PROGRAMS_MAX];
	int n;
};

static void ids_add(struct program_ids *ids, __u32 id)
{
	for (int i = 0; i < ids->n; i++) {
		if (ids->ids[i] == id)
			return;
	}
	if (ids->n < PROGRAMS_MAX)
		ids->ids[ids->n++] = id;
}

/* Both programs and links name the program there. */
static void ids_add_from(struct program_ids *ids, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[256];
	__u32 id;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "prog_id: %u", &id) == 1)
			ids_add(ids, id);
	}
}

static int ids_of_process(pid_t pid, struct program_ids *ret_ids)
{
	struct program_ids ids = {};
	char path[512];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		ids_add_from(&ids, path);
	}
	closedir(dir);
	*ret_ids = ids;
	return 0;
}

static int program_info(__u32 id, struct bpf_prog_info *ret_info)
{
	__u32 len = sizeof(*ret_info);

	*ret_info = (struct bpf_prog_info){};
	int fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return fd;
	int r = bpf_obj_get_info_by_fd(fd, ret_info, &len);
	close(fd);
	return r;
}

int bpftime_of_process(pid_t pid, struct bpftime *ret_time)
{
	struct bpftime sum = {};
	struct bpf_prog_info info;
	struct program_ids ids;

	int r = ids_of_process(pid, &ids);
	if (r < 0)
		return r;
	for (int i = 0; i < ids.n; i++) {
		r = program_info(ids.ids[i], &info);
		if (r < 0)
			return r;
		sum.ns += info.run_time_ns;
		sum.runs += info.run_cnt;
		sum.programs++;
	}
	*ret_time = sum;
	return 0;
}

bool bpftime_has_program(pid_t pid, const char *name)
{
	struct bpf_prog_info info;
	struct program_ids ids;

	if (ids_of_process(pid, &ids) < 0)
		return false;
	for (int i = 0; i < ids.n; i++) {
		if (program_info(ids.ids[i], &info) == 0 && strcmp(info.name, name) == 0)
			return true;
	}
	return false;
}

void bpftime_print_programs(pid_t pid)
{
	struct bpf_prog_info info;
	struct program_ids ids;

	if (ids_of_process(pid, &ids) < 0)
		return;
	for (int i = 0; i < ids.n; i++) {
		if (program_info(ids.ids[i], &info) < 0 || info.run_cnt == 0)
			continue;
		printf("    %-16s %9llu times %7llu ns each %9llu us\n", info.name, info.run_cnt,
		       info.run_time_ns / info.run_cnt, info.run_time_ns / 1000);
	}
}
