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
#include "bpf/turn.h"

/* A second turn is rare: its payload may have a gap, for the sake of the verifier's time. */
static __always_inline int transfer_return(enum turn turn, const struct watch *watch,
					   struct inode *inode, struct iov_iter *iter,
					   __u32 direction, long result)
{
	const __u32 pieces_max = turn == TURN_LAST ? FEW_IOVECS : IOVECS_MAX;
	struct transfer transfer = {
		.direction = direction,
		.tgid = bpf_get_current_pid_tgid() >> 32,
		.result = result,
	};

	inode_key_read(&transfer.key, inode);
	if (transfer_read_iter(&transfer, iter, pieces_max))
		transfer_account_pieces(watch, &transfer, pieces_max);
	return 0;
}

/* ---- pipes and Unix streams: whoever is at the other end, found by the inode ---- */

static __always_inline int stream_return(enum turn turn, struct inode *inode, struct iov_iter *iter,
					 __u32 direction, long result)
{
	if (!stream_buckets[inode->i_ino % STREAM_BUCKETS] ||
	    !turn_is_mine(turn, transfer_call(inode->i_ino, direction, result)))
		return 0;
	return transfer_return(turn, watched_find(bpf_get_current_pid_tgid() >> 32), inode, iter,
			       direction, result);
}

static __always_inline int pipe_return(enum turn turn, struct kiocb *iocb, struct iov_iter *iter,
				       __u32 direction, long result)
{
	return stream_return(turn, iocb->ki_filp->f_inode, iter, direction, result);
}

BPF_TURNS("fexit/pipe_read", pipe_read_return, pipe_return(turn, iocb, to, TRANSFER_READ, result),
	  struct kiocb *iocb, struct iov_iter *to, long result)

BPF_TURNS("fexit/pipe_write", pipe_write_return,
	  pipe_return(turn, iocb, from, TRANSFER_WRITE, result), struct kiocb *iocb,
	  struct iov_iter *from, long result)

/* Their names since Linux 6.15: what pipes and FIFOs share. */
BPF_TURNS("fexit/anon_pipe_read", anon_pipe_read_return,
	  pipe_return(turn, iocb, to, TRANSFER_READ, result), struct kiocb *iocb,
	  struct iov_iter *to, long result)

BPF_TURNS("fexit/anon_pipe_write", anon_pipe_write_return,
	  pipe_return(turn, iocb, from, TRANSFER_WRITE, result), struct kiocb *iocb,
	  struct iov_iter *from, long result)

static __always_inline int unix_return(enum turn turn, struct socket *socket,
				       struct msghdr *message, __u32 direction, long result)
{
	return stream_return(turn, socket->file->f_inode,
			     __builtin_preserve_access_index(&message->msg_iter), direction,
			     result);
}

BPF_TURNS("fexit/unix_stream_recvmsg", unix_recvmsg_return,
	  flags &MSG_PEEK ? 0 : unix_return(turn, socket, message, TRANSFER_READ, result),
	  struct socket *socket, struct msghdr *message, unsigned long bytes, int flags, int result)

BPF_TURNS("fexit/unix_stream_sendmsg", unix_sendmsg_return,
	  unix_return(turn, socket, message, TRANSFER_WRITE, result), struct socket *socket,
	  struct msghdr *message, unsigned long bytes, int result)

/* ---- files: only the run itself is at an end, found by its process ---- */

static __always_inline int file_return(enum turn turn, struct file *file, struct iov_iter *iter,
				       __u32 direction, long result)
{
	struct watch *watch = watched_find(bpf_get_current_pid_tgid() >> 32);
	struct inode *inode;

	if (!watch)
		return 0;
	inode = file->f_inode;
	if (!watch_has_stdio(watch, (__u64)inode) ||
	    !turn_is_mine(turn, transfer_call(inode->i_ino, direction, result)))
		return 0;
	return transfer_return(turn, watch, inode, iter, direction, result);
}

BPF_TURNS("fexit/generic_file_read_iter", file_read_return,
	  file_return(turn, iocb->ki_filp, to, TRANSFER_READ, result), struct kiocb *iocb,
	  struct iov_iter *to, long result)

/* tmpfs and memfd. */
BPF_TURNS("fexit/shmem_file_read_iter", shmem_read_return,
	  file_return(turn, iocb->ki_filp, to, TRANSFER_READ, result), struct kiocb *iocb,
	  struct iov_iter *to, long result)

/* Linux 6.5. */
BPF_TURNS("fexit/generic_perform_write", file_write_return,
	  file_return(turn, iocb->ki_filp, from, TRANSFER_WRITE, result), struct kiocb *iocb,
	  struct iov_iter *from, long result)

/* Until 6.4 it was given the file, and its offset behind the pieces. */
BPF_TURNS("fexit/generic_perform_write", file_write_return_6_4,
	  file_return(turn, file, from, TRANSFER_WRITE, result), struct file *file,
	  struct iov_iter *from, long long offset, long result)
