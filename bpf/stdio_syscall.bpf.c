// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The stdio family, door B: transfers as the exits of system calls, where door A (stdio_fentry.bpf.c) will not load.
 * The descriptor is looked up after the call: exact unless another thread closed it meanwhile.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/arch.h"
#include "bpf/http_door.h"
#include "bpf/syscall.h"
#include "bpf/transfer.h"
#include "bpf/turn.h"

/* Servers' TCP sockets, too: where the server family has no door A. */
const volatile bool http_by_syscall;

static __always_inline bool is_read(__u64 number)
{
	return number == SYSCALL_READ || number == SYSCALL_READV || number == SYSCALL_PREADV2 ||
	       number == SYSCALL_RECVFROM || number == SYSCALL_RECVMSG;
}

/* sendmsg, recvmsg: the pieces stand behind one more pointer. */
static __always_inline void transfer_read_msghdr(struct transfer *transfer, __u64 from)
{
	struct user_msghdr message = {};

	if (bpf_probe_read_user(&message, sizeof(message), (void *)from) < 0)
		counter_add(KERNEL_USER_FAULT, 1);
	transfer->iov = message.iov;
	transfer->iov_count = message.iovlen;
}

/* Fills in the payload's place. False when no byte could have been moved, or none was taken. */
static __always_inline bool transfer_read_args(struct transfer *transfer, struct pt_regs *regs,
					       __u64 number)
{
	switch (number) {
	case SYSCALL_RECVFROM:
		if (syscall_arg4(regs) & MSG_PEEK)
			return false;
		/* fall through */
	case SYSCALL_READ:
	case SYSCALL_WRITE:
	case SYSCALL_SENDTO:
		transfer->base = syscall_arg2(regs);
		transfer->requested = syscall_arg3(regs);
		return transfer->requested;
	case SYSCALL_RECVMSG:
		if (syscall_arg3(regs) & MSG_PEEK)
			return false;
		/* fall through */
	case SYSCALL_SENDMSG:
		transfer_read_msghdr(transfer, syscall_arg2(regs));
		return true;
	default:
		transfer->iov = syscall_arg2(regs);
		transfer->iov_count = syscall_arg3(regs);
		return true;
	}
}

/* A read of nothing that returns 0 is not the end of the stream. */
static __always_inline bool pieces_have_room(const struct transfer *transfer)
{
	for (__u32 i = 0; i < IOVECS_MAX; i++) {
		struct iovec piece = {};

		if (i >= transfer->iov_count)
			return false;
		bpf_probe_read_user(&piece, sizeof(piece),
				    (void *)(transfer->iov + i * sizeof(piece)));
		if (piece.len)
			return true;
	}
	return true;
}

/* Of a file that is no pipe and no socket, only a run's own transfers count, and those of few runs. */
static __always_inline bool inode_may_be_stdio(struct inode *inode, __u32 bucket)
{
	umode_t type = BPF_CORE_READ(inode, i_mode) & S_IFMT;

	return type == S_IFIFO || type == S_IFSOCK || bucket >= WATCHED_WITH_FILES;
}

static __always_inline int transfer_exit(enum turn turn, const struct watch *watch,
					 struct file *file, struct inode *inode,
					 struct pt_regs *regs, __u64 number,
					 struct transfer *transfer)
{
	struct sock *sk = http_by_syscall && watch_is_server(watch) ? tcp_sock_of(file) : NULL;

	if (sk && transfer->result <= 0)
		return 0; /* a server asks each connection once more than there is something to read */
	if (!sk && !watch->ancestor && !watch_has_stdio(watch, (__u64)inode))
		return 0;
	transfer->direction = is_read(number) ? TRANSFER_READ : TRANSFER_WRITE;
	if (!turn_is_mine(turn, transfer_call((__u64)inode, transfer->direction, transfer->result)))
		return 0;
	if (!transfer_read_args(transfer, regs, number))
		return 0;
	if (transfer->result == 0 && transfer->iov && !pieces_have_room(transfer))
		return 0;
	transfer_simplify(transfer);
	if (sk) {
		http_transfer(sk, transfer);
		return 0;
	}
	inode_key_read(&transfer->key, inode);
	transfer_account(watch, transfer);
	return 0;
}

/*
 * file_of_fd() of the current process. Where the verifier knows its task (5.11), its structures are read in place: each
 * helper that reads kernel memory takes 10 ns, and this is asked 40 times in a run. NULL: it does not.
 */
static __always_inline struct file *file_of_own_fd(const struct task_struct *task, __u32 fd)
{
	const struct fdtable *fdt;
	struct file *file = NULL;

	if (!task)
		return file_of_fd((struct task_struct *)bpf_get_current_task(), fd);
	fdt = task->files->fdt;
	if (fd < fdt->max_fds)
		bpf_probe_read_kernel(&file, sizeof(file), fdt->fd + fd);
	return file;
}

/* The file first, though it is the way of few: what the call has just used is in the cache, unlike our maps. */
static __always_inline int syscall_exit(enum turn turn, const struct task_struct *task,
					struct pt_regs *regs, __u64 number, long result)
{
	struct transfer transfer = {.tgid = bpf_get_current_pid_tgid() >> 32, .result = result};
	__u32 bucket = watched_bucket(transfer.tgid);
	struct inode *inode = NULL;
	const struct watch *watch;
	struct file *file;

	if (!bucket || syscall_is_compat(regs))
		return 0;
	if (result == -EAGAIN && is_read(number))
		return 0; /* nothing was there: no stream changes */
	file = file_of_own_fd(task, syscall_arg1(regs));
	if (file)
		inode = BPF_CORE_READ(file, f_inode);
	if (inode && !inode_may_be_stdio(inode, bucket))
		return 0;
	watch = watched_find(transfer.tgid);
	if (!watch)
		return 0;
	if (!inode && result >= 0)
		counter_add(KERNEL_FD_MISMATCH, 1);
	return inode ? transfer_exit(turn, watch, file, inode, regs, number, &transfer) : 0;
}

static __always_inline int known_exit(enum turn turn, const struct sys_exit_args *args)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return syscall_exit(turn, task, (struct pt_regs *)bpf_task_pt_regs(task), args->number,
			    args->result);
}

/*
 * The first choice: attached to the exit tracepoint of each of these calls, so that other calls do not get
 * here. It costs them 10 ns each instead of 22 ns, and a Bun run makes ten times as many of them.
 */
TRACEPOINT_TURNS(transfer_tracepoint, sys_exit_args, known_exit(turn, ctx))

static __always_inline int any_exit(enum turn turn, struct pt_regs *regs, long result)
{
	__u64 number = syscall_number(regs);

	return syscall_is_transfer(number) ? syscall_exit(turn, NULL, regs, number, result) : 0;
}

/* Where there is no tracefs to attach that one by, or no bpf_task_pt_regs() (before 5.15). */
BPF_TURNS("tp_btf/sys_exit", transfer_sys_exit, any_exit(turn, regs, result), struct pt_regs *regs,
	  long result)
