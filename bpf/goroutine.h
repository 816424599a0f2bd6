/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Goroutines as system calls see them: the register that holds one in Go code still does so in the kernel. */
#include "bpf/go_abi.h"
#include "bpf/maps.h"

/*
 * That which made this system call, of a process that executes a Go program; in others the register holds anything.
 * 0 where it cannot be read: before Linux 5.15.
 */
static __always_inline __u64 goroutine_current(void)
{
	struct pt_regs *regs;

	if (!has_task_pt_regs)
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return go_goroutine(regs);
}
