/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Loaded programs, attached where the plan says, and let go again. */
#include <stddef.h>

#include "kernel/plan.h"

struct bpf_link;
struct bpf_program;
struct bunscope_bpf;

/* Tracepoints of system calls that programs are attached to. */
#define SYSCALLS_MAX 40
/* A program each, or one for each of a program's system calls. */
#define LINKS_MAX (PLAN_PROGRAM_COUNT + SYSCALLS_MAX)

struct links {
	struct bpf_link *items[LINKS_MAX]; /* owned */
	size_t count;
};

/* NULL for none of the enum. */
struct bpf_program *skeleton_program(const struct bunscope_bpf *skeleton,
				     enum plan_program program);
/*
 * An optional hook that will not attach is marked so in the plan, and logged. For a required one -errno, with
 * one line in ret_error; what was attached until then stays, for links_detach().
 */
int links_attach(struct links *links, const struct bunscope_bpf *skeleton, struct plan *plan,
		 char *ret_error, size_t error_bytes);
void links_detach(struct links *links);
