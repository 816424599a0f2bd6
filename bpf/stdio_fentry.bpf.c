// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The stdio family, door A: transfers as the kernel's own functions return. Who uses no pipe, no Unix stream and
 * no file pays nothing. The place is found at the return, as in door B: a reader may have been waiting since before
 * the run began.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/iov_iter.h"
#include "bpf/transfer.h"

/*
 * Since Linux 6.10. A kernel that is fully preemptible may take the CPU away in the middle of a program, and leaves
 * the same program out for whoever comes next on that CPU; `programs_missed` counts that.
 */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static __always_inline int transfer_return(const struct watch *watch, struct inode *inode,
					   struct iov_iter *iter, __u32 direction, long result)
{
	struct transfer transfer = {
		.direction = direction,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.result = result,
	};

	if (bpf_preempt_disable)
		bpf_preempt_disable();
	inode_key_read(&transfer.key, inode);
	if (transfer_read_iter(&transfer, iter))
		transfer_account(watch, &transfer);
	if (bpf_preempt_enable)
		bpf_preempt_enable();
	return 0;
}

/* ---- pipes and Unix streams: whoever is at the other end, found by the inode ---- */

static __always_inline int stream_return(struct inode *inode, struct iov_iter *iter,
					 __u32 direction, long result)
{
	if (!stream_buckets[inode->i_ino % STREAM_BUCKETS])
		return 0;
	return transfer_return(watched_find(bpf_get_current_pid_tgid() >> 32), inode, iter,
			       direction, result);
}

static __always_inline int pipe_return(struct kiocb *iocb, struct iov_iter *iter, __u32 direction,
				       long result)
{
	return stream_return(iocb->ki_filp->f_inode, iter, direction, result);
}

SEC("fexit/pipe_read")
int BPF_PROG(pipe_read_return, struct kiocb *iocb, struct iov_iter *to, long result)
{
	return pipe_return(iocb, to, TRANSFER_READ, result);
}

SEC("fexit/pipe_write")
int BPF_PROG(pipe_write_return, struct kiocb *iocb, struct iov_iter *from, long result)
{
	return pipe_return(iocb, from, TRANSFER_WRITE, result);
}

/* Their names since Linux 6.15: what pipes and FIFOs share. */
SEC("fexit/anon_pipe_read")
int BPF_PROG(anon_pipe_read_return, struct kiocb *iocb, struct iov_iter *to, long result)
{
	return pipe_return(iocb, to, TRANSFER_READ, result);
}

SEC("fexit/anon_pipe_write")
int BPF_PROG(anon_pipe_write_return, struct kiocb *iocb, struct iov_iter *from, long result)
{
	return pipe_return(iocb, from, TRANSFER_WRITE, result);
}

static __always_inline int unix_return(struct socket *socket, struct msghdr *message,
				       __u32 direction, long result)
{
	return stream_return(socket->file->f_inode,
			     __builtin_preserve_access_index(&message->msg_iter), direction,
			     result);
}

SEC("fexit/unix_stream_recvmsg")
int BPF_PROG(unix_recvmsg_return, struct socket *socket, struct msghdr *message,
	     unsigned long bytes, int flags, int result)
{
	return flags & MSG_PEEK ? 0 : unix_return(socket, message, TRANSFER_READ, result);
}

SEC("fexit/unix_stream_sendmsg")
int BPF_PROG(unix_sendmsg_return, struct socket *socket, struct msghdr *message,
	     unsigned long bytes, int result)
{
	return unix_return(socket, message, TRANSFER_WRITE, result);
}

/* ---- files: only the run itself is at an end, found by its process ---- */

static __always_inline int file_return(struct file *file, struct iov_iter *iter, __u32 direction,
				       long result)
{
	struct watch *watch = watched_find(bpf_get_current_pid_tgid() >> 32);
	struct inode *inode;

	if (!watch)
		return 0;
	inode = file->f_inode;
	if (!watch_has_stdio(watch, (__u64)inode))
		return 0;
	return transfer_return(watch, inode, iter, direction, result);
}

SEC("fexit/generic_file_read_iter")
int BPF_PROG(file_read_return, struct kiocb *iocb, struct iov_iter *to, long result)
{
	return file_return(iocb->ki_filp, to, TRANSFER_READ, result);
}

/* tmpfs and memfd. */
SEC("fexit/shmem_file_read_iter")
int BPF_PROG(shmem_read_return, struct kiocb *iocb, struct iov_iter *to, long result)
{
	return file_return(iocb->ki_filp, to, TRANSFER_READ, result);
}

/* Linux 6.5. */
SEC("fexit/generic_perform_write")
int BPF_PROG(file_write_return, struct kiocb *iocb, struct iov_iter *from, long result)
{
	return file_return(iocb->ki_filp, from, TRANSFER_WRITE, result);
}

/* Until 6.4 it was given the file, and its offset behind the pieces. */
SEC("fexit/generic_perform_write")
int BPF_PROG(file_write_return_6_4, struct file *file, struct iov_iter *from, long long offset,
	     long result)
{
	return file_return(file, from, TRANSFER_WRITE, result);
}
