/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * System calls as the exit tracepoint sees them: numbers and arguments of an architecture. Arguments stay in
 * the saved registers until the return.
 */
#include "bpf/types.h"

#define BIT(n) (1ull << (n))

/* arch/x86/entry/syscalls/syscall_64.tbl */
#if defined(__TARGET_ARCH_x86)
/* The functions of system calls; their parameter is the registers. */
#define SYSCALL_FUNCTION "__x64_sys_"
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

/* The calls numbered below 64 as a bit mask: every system call of every process is tested against it. */
#define TRANSFERS_BELOW_64                                                                         \
	(BIT(SYSCALL_READ) | BIT(SYSCALL_WRITE) | BIT(SYSCALL_READV) | BIT(SYSCALL_WRITEV) |       \
	 BIT(SYSCALL_SENDTO) | BIT(SYSCALL_RECVFROM) | BIT(SYSCALL_SENDMSG) |                      \
	 BIT(SYSCALL_RECVMSG))

static __always_inline bool syscall_is_transfer(__u64 number)
{
	if (number < 64)
		return BIT(number) & TRANSFERS_BELOW_64;
	return number == SYSCALL_PREADV2 || number == SYSCALL_PWRITEV2;
}

/* include/uapi/asm-generic/unistd.h */
#elif defined(__TARGET_ARCH_arm64)
#define SYSCALL_FUNCTION "__arm64_sys_"
#define SYSCALL_READ 63
#define SYSCALL_WRITE 64
#define SYSCALL_READV 65
#define SYSCALL_WRITEV 66
#define SYSCALL_SENDTO 206
#define SYSCALL_RECVFROM 207
#define SYSCALL_SENDMSG 211
#define SYSCALL_RECVMSG 212
#define SYSCALL_EXECVE 221
#define SYSCALL_EXECVEAT 281
#define SYSCALL_PREADV2 286
#define SYSCALL_PWRITEV2 287

/* regs[0] is the result by then */
#define syscall_number(regs) ((__u64)(regs)->syscallno)
#define syscall_arg1(regs) ((regs)->orig_x0)
#define syscall_arg2(regs) ((regs)->regs[1])
#define syscall_arg3(regs) ((regs)->regs[2])
#define syscall_arg4(regs) ((regs)->regs[3])
/* PSR_MODE32_BIT */
#define syscall_is_compat(regs) ((regs)->pstate & 0x10)

/* The first four follow each other. */
static __always_inline bool syscall_is_transfer(__u64 number)
{
	return number - SYSCALL_READ <= SYSCALL_WRITEV - SYSCALL_READ || number == SYSCALL_SENDTO ||
	       number == SYSCALL_RECVFROM || number == SYSCALL_SENDMSG ||
	       number == SYSCALL_RECVMSG || number == SYSCALL_PREADV2 || number == SYSCALL_PWRITEV2;
}
#else
#error "add this architecture's system calls here"
#endif
