/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the tracepoints of group `syscalls` pass: kernel/trace/trace.h. Read through the context: no relocation. */
#include "bpf/types.h"

struct sys_enter_args {
	__u64 common;
	__u64 number;
	__u64 args[6];
};

struct sys_exit_args {
	__u64 common;
	__u64 number;
	long result;
};
