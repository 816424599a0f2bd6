/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * System calls as the exit tracepoint sees them: numbers and arguments of an architecture.
 * x86: arch/x86/entry/syscalls/syscall_64.tbl; arguments stay in the saved registers until the return.
 */
#include "bpf/types.h"

#ifdef __TARGET_ARCH_x86
#define SYSCALL_READ 0
#define SYSCALL_WRITE 1
#define SYSCALL_READV 19
#define SYSCALL_WRITEV 20
#define SYSCALL_SENDTO 44
#define SYSCALL_RECVFROM 45
#define SYSCALL_SENDMSG 46
#define SYSCALL_RECVMSG 47
#define SYSCALL_EXECVE 59
#define SYSCALL_EXECVEAT 322
#define SYSCALL_PREADV2 327
#define SYSCALL_PWRITEV2 328

#define syscall_number(regs) ((regs)->orig_ax)
#define syscall_arg1(regs) ((regs)->di)
#define syscall_arg2(regs) ((regs)->si)
#define syscall_arg3(regs) ((regs)->dx)
#define syscall_arg4(regs) ((regs)->r10)
/* __USER32_CS: a 32-bit program, whose numbers mean other calls */
#define syscall_is_compat(regs) ((regs)->cs == 0x23)
#else
#error "add this architecture's system calls here"
#endif
