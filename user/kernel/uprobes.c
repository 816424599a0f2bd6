/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/uprobes.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "kernel/attach.h"

/* linux/bpf.h of Linux 6.6; libbpf has it since 1.3, and ours is older. */
#define TRACE_UPROBE_MULTI 48

struct multi_attr {
	uint32_t program;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t reference_counters;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

struct uprobes {
	struct bpf_link *links[UPROBES_MAX]; /* one a place, or */
	size_t count;
	int multi[PLAN_PROGRAM_COUNT]; /* one a program */
	size_t multi_count;
};

void uprobes_set_multi(struct bpf_program *program)
{
	(void)bpf_program__set_expected_attach_type(program, TRACE_UPROBE_MULTI);
}

void uprobes_prepare(const struct bpf_program *program)
{
	if (bpf_program__expected_attach_type(program) != TRACE_UPROBE_MULTI)
		(void)bpf_link__destroy(
			bpf_program__attach_uprobe(program, false, -1, "/proc/self/exe", 0));
}

/* All the places of one program at once. */
static int attach_multi(struct uprobes *uprobes, const struct bpf_program *bpf, const char *path,
			enum plan_program program, const struct uprobe_place *places, size_t count)
{
	uint64_t offsets[UPROBES_MAX];
	struct multi_attr attr = {
		.program = (uint32_t)bpf_program__fd(bpf),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
	};

	for (size_t i = 0; i < count; i++) {
		if (places[i].program == program)
			offsets[attr.count++] = places[i].offset;
	}
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	uprobes->multi[uprobes->multi_count++] = fd;
	return 0;
}

static int attach_place(struct uprobes *uprobes, const struct bpf_program *bpf, const char *path,
			uint64_t offset)
{
	struct bpf_link *link = bpf_program__attach_uprobe(bpf, false, -1, path, offset);

	if (!link)
		return -errno;
	uprobes->links[uprobes->count++] = link;
	return 0;
}

/* Whether an earlier place has the same program. */
static bool is_repeated(const struct uprobe_place *places, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (places[j].program == places[i].program)
			return true;
	}
	return false;
}

int uprobes_attach(const struct bunscope_bpf *skeleton, int executable,
		   const struct uprobe_place *places, size_t count, struct uprobes **ret)
{
	struct uprobes *uprobes = NULL;
	char path[32];
	int r = 0;

	if (count > UPROBES_MAX)
		return -E2BIG;
	uprobes = calloc(1, sizeof(*uprobes));
	if (!uprobes)
		return -ENOMEM;
	/* Not the path that it was executed by: another file may be there by now. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", executable);
	for (size_t i = 0; i < count && r == 0; i++) {
		enum plan_program program = places[i].program;
		const struct bpf_program *bpf = skeleton_program(skeleton, program);

		if (bpf_program__expected_attach_type(bpf) != TRACE_UPROBE_MULTI)
			r = attach_place(uprobes, bpf, path, places[i].offset);
		else if (!is_repeated(places, i))
			r = attach_multi(uprobes, bpf, path, program, places, count);
	}
	if (r < 0)
		uprobes_free(&uprobes);
	else
		*ret = uprobes;
	return r;
}

void uprobes_free(struct uprobes **owner)
{
	struct uprobes *uprobes = take_ptr(*owner);

	if (!uprobes)
		return;
	for (size_t i = 0; i < uprobes->count; i++)
		(void)bpf_link__destroy(uprobes->links[i]);
	for (size_t i = 0; i < uprobes->multi_count; i++)
		(void)close(uprobes->multi[i]);
	free(uprobes);
}
