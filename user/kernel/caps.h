/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this kernel has and lets us do. Facts only: nothing is decided and nothing stays loaded. */
#include <stdbool.h>
#include <stddef.h>

enum victim_argument {
	VICTIM_NONE, /* no such tracepoint */
	VICTIM_PID,  /* until Linux 6.7 */
	VICTIM_TASK, /* since 6.8 */
};

struct caps {
	bool btf;		  /* /sys/kernel/btf/vmlinux can be read */
	bool may_load;		  /* CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN */
	bool may_read_processes;  /* CAP_SYS_PTRACE: /proc of other users' processes */
	bool sched_prepare_exec;  /* the tracepoint of that name, since Linux 6.10 */
	bool begin_new_exec;	  /* a traceable function of that name, since 5.8 */
	bool fentry;		  /* such a program can be loaded */
	bool sys_exit;		  /* tracepoint raw_syscalls/sys_exit */
	bool syscall_tracepoints; /* tracefs can be had, and has the group syscalls */
	bool task_pt_regs;	  /* helper bpf_task_pt_regs(), since 5.15 */
	enum victim_argument victim;
};

/* Asks the kernel. Never fails: what cannot be found out is false. */
void caps_ask(struct caps *caps);
