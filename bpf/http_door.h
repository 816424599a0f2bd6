/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What a door needs to hand transfers through TCP sockets of servers to the server family. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/transfer.h"
#include "bpf/watched.h"

/* A transfer on its way from the door that saw it to the server family. */
struct arrival {
	struct transfer transfer;
	__u64 socket;
	__u64 users;
};

#ifdef BUNSCOPE_DEFINE_HTTP
#define HTTP_SHARED
#else
#define HTTP_SHARED extern
#endif

HTTP_SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct arrival);
} arrivals SEC(".maps");

/* In http.bpf.c: takes this cpu's arrival. The verifier follows it once, not once for each door. */
int http_arrive(void);

/* The TCP socket behind a file, NULL where it is none. */
static __always_inline struct sock *tcp_sock_of(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket;
	struct sock *sk;
	__u16 family;

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return NULL;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return NULL;
	return sk;
}

static __always_inline bool watch_is_server(const struct watch *watch)
{
	return watch->http || watch->ancestor;
}

static __always_inline void http_transfer(struct sock *sk, const struct transfer *transfer)
{
	__u32 zero = 0;
	struct arrival *arrival = bpf_map_lookup_elem(&arrivals, &zero);

	if (!arrival || transfer->result <= 0)
		return;
	/* In door A the CPU may have been taken from somebody in the middle of this: then the bytes passed unseen. */
	__sync_fetch_and_add(&arrival->users, 1);
	if (*(volatile __u64 *)&arrival->users == 1) {
		arrival->transfer = *transfer;
		arrival->socket = (__u64)sk;
		http_arrive();
	}
	__sync_fetch_and_add(&arrival->users, -1);
}
