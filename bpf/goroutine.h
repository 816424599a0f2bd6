/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Goroutines as system calls see them: the register that holds one in Go code still does so in the kernel. */
#include "bpf/go_abi.h"
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

/* THREAD_SIZE of x86-64 and arm64; of the latter at least a page. KASAN doubles it: what is read then is no goroutine. */
#define THREAD_BYTES (16 * 1024)

/* Linux 5.15 has a helper for it. Before, as task_pt_regs() of both architectures: at the end of the stack. */
static __always_inline __u64 goroutine_on_stack(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 stack_bytes = page_bytes > THREAD_BYTES ? page_bytes : THREAD_BYTES;
	struct pt_regs *regs =
		BPF_CORE_READ(task, stack) + stack_bytes - bpf_core_type_size(struct pt_regs);

	return BPF_CORE_READ(regs, GO_GOROUTINE);
}

/* That which made this system call, of a process that executes a Go program; in others the register holds anything. */
static __always_inline __u64 goroutine_current(void)
{
	struct pt_regs *regs;

	if (!has_task_pt_regs)
		return goroutine_on_stack();
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return go_goroutine(regs);
}
