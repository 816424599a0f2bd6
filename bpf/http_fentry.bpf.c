// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The server family, door A: what passes through TCP sockets, as the kernel's own functions return. Processes that
 * are no servers pay one load from an array.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/http_door.h"
#include "bpf/iov_iter.h"
#include "bpf/turn.h"

static __always_inline int tcp_return(enum turn turn, struct sock *sk, struct msghdr *message,
				      __u32 direction, int result)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct transfer transfer = {.direction = direction, .tgid = tgid, .result = result};
	const struct watch *watch;

	if (result <= 0)
		return 0;
	watch = watched_find(tgid);
	if (!watch || !watch_is_server(watch) ||
	    !turn_is_mine(turn,
			  transfer_call((__u64)BPF_CORE_READ(sk, sk_socket), direction, result)))
		return 0;
	if (transfer_read_iter(&transfer, __builtin_preserve_access_index(&message->msg_iter),
			       IOVECS_MAX))
		http_transfer(sk, &transfer);
	return 0;
}

BPF_TURNS("fexit/tcp_sendmsg", tcp_sendmsg_return,
	  tcp_return(turn, sk, message, TRANSFER_WRITE, result), struct sock *sk,
	  struct msghdr *message, unsigned long bytes, int result)

static __always_inline int tcp_received(enum turn turn, void *ctx, struct sock *sk,
					struct msghdr *message, int flags)
{
	__u64 result = 0;

	if (flags & MSG_PEEK || bpf_get_func_ret(ctx, &result) < 0)
		return 0;
	return tcp_return(turn, sk, message, TRANSFER_READ, (int)result);
}

/* How many parameters follow has changed since (7.x: none). */
BPF_TURNS("fexit/tcp_recvmsg", tcp_recvmsg_return, tcp_received(turn, ctx, sk, message, flags),
	  struct sock *sk, struct msghdr *message, unsigned long bytes, int flags)

/* Until 5.18 it was told apart from the flags whether it may block. */
BPF_TURNS("fexit/tcp_recvmsg", tcp_recvmsg_return_5_18,
	  flags &MSG_PEEK ? 0 : tcp_return(turn, sk, message, TRANSFER_READ, result),
	  struct sock *sk, struct msghdr *message, unsigned long bytes, int nonblock, int flags,
	  int *address_bytes, int result)
