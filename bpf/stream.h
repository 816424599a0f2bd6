/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The streams behind fd 0, 1 and 2 of a run: found at exec, forgotten when the run is over. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

static __always_inline struct file *file_of_fd(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file **files;
	struct file *file = NULL;

	if (!fdt || fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	files = BPF_CORE_READ(fdt, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd) < 0)
		return NULL;
	return file;
}

static __always_inline void inode_key_read(struct inode_key *key, struct inode *inode)
{
	key->address = (__u64)inode;
	key->number = BPF_CORE_READ(inode, i_ino);
}

static __always_inline bool inode_key_equal(const struct inode_key *a, const struct inode_key *b)
{
	return a->address == b->address && a->number == b->number;
}

/* The socket behind an inode's file, where it is AF_UNIX. */
static __always_inline struct unix_sock *unix_sock_of(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return NULL;
	return (struct unix_sock *)sk;
}

static __always_inline void peer_key_read(struct inode_key *key, struct unix_sock *own)
{
	struct sock *peer = BPF_CORE_READ(own, peer);
	struct socket_alloc *socket;

	if (!peer)
		return;
	socket = (struct socket_alloc *)BPF_CORE_READ(peer, sk_socket);
	if (socket)
		inode_key_read(key, __builtin_preserve_access_index(&socket->vfs_inode));
}

/* Bytes that somebody wrote into a pipe before the run was known. */
static __always_inline __u64 pipe_bytes(struct pipe_inode_info *pipe)
{
	unsigned int head = BPF_CORE_READ(pipe, head), tail = BPF_CORE_READ(pipe, tail);
	unsigned int mask = BPF_CORE_READ(pipe, ring_size) - 1;
	struct pipe_buffer *bufs = BPF_CORE_READ(pipe, bufs);
	__u64 bytes = 0;

	for (int i = 0; i < PIPE_BUFFERS_MAX; i++) {
		struct pipe_buffer *buffer;

		if (tail == head)
			break;
		buffer = (void *)bufs + (tail & mask) * bpf_core_type_size(struct pipe_buffer);
		bytes += BPF_CORE_READ(buffer, len);
		tail++;
	}
	return bytes;
}

static __always_inline __u32 stream_kind(struct inode *inode, struct socket *socket)
{
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFIFO:
		return STDIO_KIND_PIPE;
	case S_IFREG:
		return STDIO_KIND_FILE;
	case S_IFSOCK:
		return unix_sock_of(socket) ? STDIO_KIND_UNIX : STDIO_KIND_OTHER;
	default:
		return STDIO_KIND_OTHER;
	}
}

/* Describes what fd `index` of a task is. */
static __always_inline void stream_read(struct stream *stream, struct task_struct *task,
					__u32 index)
{
	struct file *file = file_of_fd(task, index);
	struct inode *inode;
	struct socket *socket;

	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	socket = BPF_CORE_READ(file, private_data);
	inode_key_read(&stream->key, inode);
	stream->kind = stream_kind(inode, socket);

	if (stream->kind == STDIO_KIND_UNIX)
		peer_key_read(&stream->peer_key, unix_sock_of(socket));
	if (stream->kind == STDIO_KIND_PIPE && index == STDIO_IN)
		stream->peer.bytes = pipe_bytes(BPF_CORE_READ(inode, i_pipe));
	if (stream->kind == STDIO_KIND_UNIX && index == STDIO_IN &&
	    BPF_CORE_READ(unix_sock_of(socket), sk.sk_receive_queue.qlen))
		stream->flags |= STREAM_EARLY;
	if (stream->peer.bytes)
		stream->flags |= STREAM_EARLY;
}

/* Is it what fd `index` of another task is? */
static __always_inline bool stream_is_fd(const struct stream *stream, struct task_struct *task,
					 __u32 index)
{
	struct file *file = file_of_fd(task, index);
	struct inode_key key;

	if (!file)
		return false;
	inode_key_read(&key, BPF_CORE_READ(file, f_inode));
	return inode_key_equal(&key, &stream->key);
}

/* The inode that the other end's transfers go through. */
static __always_inline const struct inode_key *stream_peer_key(const struct stream *stream)
{
	return stream->kind == STDIO_KIND_UNIX ? &stream->peer_key : &stream->key;
}

static __always_inline bool stream_has_peer(const struct stream *stream)
{
	return stream->kind == STDIO_KIND_PIPE || stream->kind == STDIO_KIND_UNIX;
}

/* Lets transfers by the other end find the run. */
static __always_inline void stream_register(struct run *run, __u32 index)
{
	struct stream *stream = &run->stdio[index];
	struct endpoint fresh = {.run = run->key}, *found;
	struct inode_key key = *stream_peer_key(stream);
	int r;

	if (!stream_has_peer(stream) || !key.address || stream->flags & STREAM_SHARED)
		return;
	if (index == STDIO_IN)
		fresh.written = 1 + index;
	else
		fresh.read = 1 + index;

	r = map_insert(&streams, &key, &fresh);
	if (r == 0) {
		stream->flags |= STREAM_REGISTERED;
		return;
	}
	if (r != -EEXIST) {
		counter_add(KERNEL_STREAMS_FULL, 1);
		stream->flags |= STREAM_SHARED;
		return;
	}
	/* One socket may be fd 0 and fd 1; one pipe may be fd 1 and fd 2, and is stdout then. */
	found = bpf_map_lookup_elem(&streams, &key);
	if (!found || found->run.tgid != run->key.tgid || found->run.start_ns != run->key.start_ns)
		stream->flags |= STREAM_SHARED;
	else if (index != STDIO_IN && !found->read)
		found->read = fresh.read;
}

/* Whoever put the entry in takes it out. */
static __always_inline void stream_forget(const struct run *run, __u32 index)
{
	const struct stream *stream = &run->stdio[index];
	struct inode_key key = *stream_peer_key(stream);

	if (stream->flags & STREAM_REGISTERED)
		map_delete(&streams, &key);
}

/* The filter in front of door A: which inodes any run's stdio goes through. */
struct stream_filter {
	__u64 numbers[2 * STDIO_COUNT]; /* 0 = none */
};

static __always_inline void stream_filter_of(struct stream_filter *filter, const struct run *run)
{
	for (__u32 i = 0; i < STDIO_COUNT; i++) {
		filter->numbers[2 * i] = run->stdio[i].key.number;
		filter->numbers[2 * i + 1] = run->stdio[i].peer_key.number;
	}
}

static __always_inline void stream_filter_add(const struct stream_filter *filter, __u32 n)
{
	if (!stream_buckets_used)
		return;
	for (__u32 i = 0; i < 2 * STDIO_COUNT; i++) {
		__u64 number = filter->numbers[i];

		if (number)
			__sync_fetch_and_add(&stream_buckets[number % STREAM_BUCKETS], n);
	}
}

/* What is left of a pipe; 0 when both ends are closed, that is: another inode may be at its address. */
static __always_inline __u32 pipe_state(const struct inode_key *key)
{
	struct inode *inode = (struct inode *)key->address;
	struct pipe_inode_info *pipe = BPF_CORE_READ(inode, i_pipe);
	__u32 state = 0;

	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFIFO || !pipe)
		return 0;
	if (BPF_CORE_READ(pipe, writers))
		state |= STREAM_HAS_WRITER;
	if (BPF_CORE_READ(pipe, readers))
		state |= STREAM_HAS_READER;
	if (BPF_CORE_READ(pipe, head) != BPF_CORE_READ(pipe, tail))
		state |= STREAM_HAS_BYTES;
	/* Last, so that all of the above was of this pipe. */
	return BPF_CORE_READ(inode, i_ino) == key->number ? state : 0;
}

/* The same for a socket, by the address of the inode inside its struct socket_alloc. */
static __always_inline struct sock *sock_of_inode(const struct inode_key *key)
{
	struct socket_alloc *base = NULL;
	__u64 offset = (__u64)__builtin_preserve_access_index(&base->vfs_inode);
	struct inode *inode = (struct inode *)key->address;
	struct socket_alloc *socket = (struct socket_alloc *)(key->address - offset);
	struct sock *sk;

	if (!key->address || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	sk = BPF_CORE_READ(socket, socket.sk);
	return BPF_CORE_READ(inode, i_ino) == key->number ? sk : NULL;
}

static __always_inline __u32 stream_state(const struct stream *stream)
{
	struct sock *peer;
	__u32 state = 0;

	if (stream->kind == STDIO_KIND_PIPE)
		return pipe_state(&stream->key);
	if (stream->kind != STDIO_KIND_UNIX)
		return 0;
	peer = sock_of_inode(&stream->peer_key);
	if (sock_of_inode(&stream->key))
		state |= STREAM_HAS_WRITER;
	if (peer)
		state |= STREAM_HAS_READER;
	if (peer && BPF_CORE_READ(peer, sk_receive_queue.qlen))
		state |= STREAM_HAS_BYTES;
	return state;
}
