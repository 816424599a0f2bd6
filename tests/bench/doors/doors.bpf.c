/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the forms of door B cost a process that is none of ours: each program is one form, with as
 * little behind it as that form allows. The part of a name before "__" is the form; doors.c
 * attaches by it.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum { BPF_MAP_TYPE_HASH = 1 };

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define HINT_BUCKETS 4096

/* Both are filled by doors.c with pids that do not exist. */
__u32 watched_hint[HINT_BUCKETS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u32);
} watched SEC(".maps");

/* Counts what passed every test, so that the tests cannot be optimised away. */
__u64 passed;

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long orig_ax;
} __attribute__((preserve_access_index));

static __always_inline __u64 syscall_number(const struct pt_regs *regs)
{
	return regs->orig_ax;
}

#define LOW_FIRST 0
#define LOW_MASK                                                                                   \
	(1ull << 0 | 1ull << 1 | 1ull << 19 | 1ull << 20 | 1ull << 44 | 1ull << 45 | 1ull << 46 |  \
	 1ull << 47)
#define PREADV2 327

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	int syscallno;
} __attribute__((preserve_access_index));

static __always_inline __u64 syscall_number(const struct pt_regs *regs)
{
	return (__u64)regs->syscallno;
}

/* read 63, write 64, readv 65, writev 66; sendto 206, recvfrom 207, sendmsg 211, recvmsg 212 are
 * left out. */
#define LOW_FIRST 63
#define LOW_MASK (1ull << 0 | 1ull << 1 | 1ull << 2 | 1ull << 3)
#define PREADV2 286

#endif

static __always_inline int is_transfer(const struct pt_regs *regs)
{
	__u64 number = syscall_number(regs);

	if (number - LOW_FIRST < 64)
		return (LOW_MASK >> (number - LOW_FIRST)) & 1;
	return number - PREADV2 < 2; /* preadv2 and pwritev2 are neighbours */
}

static __always_inline __u32 current_tgid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline int hint_says_watched(void)
{
	return watched_hint[current_tgid() % HINT_BUCKETS] != 0;
}

static __always_inline int map_says_watched(void)
{
	__u32 tgid = current_tgid();

	return bpf_map_lookup_elem(&watched, &tgid) != 0;
}

static __always_inline int pass(int yes)
{
	if (yes)
		__sync_fetch_and_add(&passed, 1);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_empty)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_number, struct pt_regs *regs)
{
	/* The second half is never true; it keeps a one-byte ping-pong from counting. */
	return pass(is_transfer(regs) && current_tgid() == 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_hint, struct pt_regs *regs)
{
	return pass(hint_says_watched());
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_number_hint, struct pt_regs *regs)
{
	return pass(is_transfer(regs) && hint_says_watched());
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_hash)
{
	return pass(map_says_watched());
}

SEC("tp_btf/sys_exit")
int BPF_PROG(btf_number_hash, struct pt_regs *regs)
{
	return pass(is_transfer(regs) && map_says_watched());
}

SEC("raw_tp/sys_exit")
int raw_empty(void *ctx)
{
	return 0;
}

/* Attached by doors.c through the tracepoint's id: the section's name alone needs no tracefs. */
#define CLASSIC(name)                                                                              \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                                 \
	int classic_empty__##name(void *ctx)                                                       \
	{                                                                                          \
		return 0;                                                                          \
	}                                                                                          \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                                 \
	int classic_hint__##name(void *ctx)                                                        \
	{                                                                                          \
		return pass(hint_says_watched());                                                  \
	}                                                                                          \
	SEC("tracepoint/syscalls/sys_exit_" #name)                                                 \
	int classic_hash__##name(void *ctx)                                                        \
	{                                                                                          \
		return pass(map_says_watched());                                                   \
	}

CLASSIC(read)
CLASSIC(readv)
CLASSIC(preadv2)
CLASSIC(recvfrom)
CLASSIC(recvmsg)
CLASSIC(write)
CLASSIC(writev)
CLASSIC(pwritev2)
CLASSIC(sendto)
CLASSIC(sendmsg)

/* Door A's two functions of a pipe, where the kernel lets programs on to them (their names until 6.14). */
SEC("fexit/pipe_read")
int BPF_PROG(function_empty__read)
{
	return 0;
}

SEC("fexit/pipe_write")
int BPF_PROG(function_empty__write)
{
	return 0;
}
