/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Breakpoints in an executable: in all processes that run that file, now and later, until they are let go. */
#include <stddef.h>
#include <stdint.h>

#include "kernel/plan.h"

struct bpf_program;
struct bunscope_bpf;
struct uprobes;

/* Places in one executable: the begin and the returns of a few functions. */
#define UPROBES_MAX 128

struct uprobe_place {
	enum plan_program program;
	uint64_t offset; /* in the file; of the first byte of an instruction */
};

/*
 * Before it is loaded: all its places are one link, since Linux 6.6. That takes no capability once the program is
 * loaded; a perf event for each takes CAP_PERFMON, and CAP_SYS_ADMIN from 6.16 on and in the stable branches of then.
 */
void uprobes_set_multi(struct bpf_program *program);
/*
 * Before the sandbox, once it is loaded: libbpf asks the kernel whether perf events have links by loading a program, when
 * it first needs to know. So it attaches to a place of the agent's own where nothing runs, and lets it go.
 */
void uprobes_prepare(const struct bpf_program *program);
/* All of them or none. The descriptor is of the executable; it is not needed afterwards. 0 or -errno. */
int uprobes_attach(const struct bunscope_bpf *skeleton, int executable,
		   const struct uprobe_place *places, size_t count, struct uprobes **ret);
void uprobes_free(struct uprobes **owner);
