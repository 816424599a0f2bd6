/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* One transfer of bytes through a stream of a run, whichever door saw it. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/run.h"
#include "bpf/watched.h"

enum transfer_direction { TRANSFER_READ, TRANSFER_WRITE };

struct transfer {
	struct inode_key key; /* what was read or written */
	__u32 direction;
	__u32 tgid;	 /* who did it */
	__s64 result;	 /* bytes, 0 at the end of file, or -errno */
	__u64 base;	 /* user address of the payload, when it is in one piece */
	__u64 requested; /* bytes that the piece holds, or has room for */
	__u64 iov;	 /* else of its struct iovec array */
	__u64 iov_count; /* 0 = in one piece */
	__u64 iov_skip;	 /* bytes of the first piece that are not the transfer's */
	bool iov_kernel; /* the array is the kernel's copy */
};

/* Where in a run's record one side of its request or reply is kept. Sizes are powers of two. */
struct payload {
	__u32 head; /* offsets in struct run */
	__u32 tail;
	__u32 tail_bytes;
};

#define PAYLOAD(member)                                                                            \
	{                                                                                          \
		__builtin_offsetof(struct run, member.head),                                       \
			__builtin_offsetof(struct run, member.tail),                               \
			sizeof(((struct run *)0)->member.tail)                                     \
	}
#define PAYLOAD_HEAD_BYTES REPLY_HEAD_BYTES /* and the request's: one size for both */
#define PAYLOAD_OFFSET_MAX __builtin_offsetof(struct run, reply_peer.tail)
/* What the verifier is shown of a length that is at most REPLY_TAIL_BYTES: a mask costs it no branch. */
#define PAYLOAD_LENGTH_MASK (2 * REPLY_TAIL_BYTES - 1)

/*
 * By stream and side (peer, self). Not const: then the verifier knows no values, and follows what
 * comes after once instead of once for each of the four.
 */
static volatile struct payload payloads[2][2] = {
	{PAYLOAD(request_peer), PAYLOAD(request_self)},
	{PAYLOAD(reply_peer), PAYLOAD(reply_self)},
};

static __always_inline const volatile struct payload *payload_of(__u64 index, __u64 self)
{
	/* The verifier knows neither that stderr was ruled out nor that self is 0 or 1. */
	barrier_var(index);
	barrier_var(self);
	return &payloads[index & 1][self & 1];
}

static __always_inline void user_fault(struct run *run)
{
	__sync_fetch_and_add(&run->faults, 1);
	counter_add(KERNEL_USER_FAULT, 1);
}

/* Copies user memory to a payload, `at` bytes behind its beginning. */
static __always_inline long payload_copy(void *payload, __u64 at, __u64 bytes, __u64 from)
{
	/* The compiler would drop the masks where it can prove them; the verifier cannot, up to 6.1. */
	barrier_var(at);
	barrier_var(bytes);
	at &= REPLY_TAIL_BYTES - 1;
	bytes &= PAYLOAD_LENGTH_MASK;
	return bpf_probe_read_user(payload + at, bytes, (void *)from);
}

/* Keeps what belongs to the two ends of the payload, of a piece that stands at `offset` in it. */
static __always_inline long payload_keep(struct run *run, const struct payload *payload,
					 __u64 offset, __u64 from, __u64 bytes)
{
	__u64 skip = bytes > payload->tail_bytes ? bytes - payload->tail_bytes : 0;
	__u64 head = PAYLOAD_HEAD_BYTES - offset, at, rest, room, first;
	void *tail = (void *)run + payload->tail;
	long r = 0;

	if (offset < PAYLOAD_HEAD_BYTES) {
		r = payload_copy((void *)run + payload->head, offset, bytes < head ? bytes : head,
				 from);
		if (bytes <= head)
			return r; /* most are small: nothing of it is in the tail */
	}
	at = (offset + skip) & (payload->tail_bytes - 1);
	rest = bytes - skip;
	room = payload->tail_bytes - at;
	first = rest < room ? rest : room;
	r |= payload_copy(tail, at, first, from + skip);
	if (rest > first)
		r |= payload_copy(tail, 0, rest - first, from + skip + first);
	return r;
}

/* One of the array's, without what is not the transfer's. */
static __always_inline bool piece_load(struct iovec *piece, const struct transfer *transfer,
				       __u64 i)
{
	void *from = (void *)(transfer->iov + i * sizeof(*piece));
	long r = transfer->iov_kernel ? bpf_probe_read_kernel(piece, sizeof(*piece), from)
				      : bpf_probe_read_user(piece, sizeof(*piece), from);

	if (i == 0 && transfer->iov_skip) {
		piece->base += transfer->iov_skip;
		piece->len -= transfer->iov_skip;
	}
	return r == 0;
}

/* The i-th piece of a transfer, at most `left` bytes. False when it has no such piece. */
static __always_inline bool piece_read(struct iovec *piece, const struct transfer *transfer,
				       __u32 i, __u64 left)
{
	if (transfer->iov) {
		if (i >= transfer->iov_count)
			return false;
		if (!piece_load(piece, transfer, i))
			return false;
	} else {
		piece->base = transfer->base;
		piece->len = left;
	}
	if (piece->len > left)
		piece->len = left;
	return true;
}

/* How far a transfer is kept. */
struct payload_cursor {
	__u64 offset;
	__u64 left;
	long r;
};

static __always_inline void payload_keep_transfer(struct run *run,
						  const volatile struct payload *place,
						  __u64 offset, const struct transfer *transfer,
						  __u32 pieces_max)
{
	struct payload payload = {place->head, place->tail, place->tail_bytes};
	struct payload_cursor cursor = {offset, transfer->result, 0};

	if (payload.head > PAYLOAD_OFFSET_MAX || payload.tail > PAYLOAD_OFFSET_MAX)
		return;
	for (__u32 i = 0; i < pieces_max; i++) {
		struct iovec piece = {};

		/* Read again the verifier knows nothing of it, and follows one turn instead of one for each way here. */
		if (i && bpf_probe_read_kernel(&cursor, sizeof(cursor), &cursor) < 0)
			break;
		if (!cursor.left || !piece_read(&piece, transfer, i, cursor.left))
			break;
		cursor.r |= payload_keep(run, &payload, cursor.offset, piece.base, piece.len);
		cursor.offset += piece.len;
		cursor.left -= piece.len;
	}
	if (cursor.left || cursor.r)
		user_fault(run);
}

/* -EAGAIN and interruptions are how non-blocking I/O works, not failures. */
static __always_inline bool is_failure(__s64 result)
{
	return result < 0 && result != -EAGAIN && result != -EINTR &&
	       !(result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK);
}

/* Accounts a transfer to one side of a stream. False when nothing happened: it has to be tried again. */
static __always_inline bool flow_account(struct flow *flow, const struct transfer *transfer)
{
	__u64 now = bpf_ktime_get_ns();

	if (transfer->result > 0) {
		__sync_fetch_and_add(&flow->bytes, transfer->result);
		if (!flow->first_ns)
			flow->first_ns = now;
		flow->last_ns = now;
	} else if (transfer->result == 0 && transfer->direction == TRANSFER_READ) {
		if (!flow->eof_ns)
			flow->eof_ns = now;
	} else if (is_failure(transfer->result)) {
		flow->error = transfer->result;
	} else {
		return false;
	}
	flow->pid = transfer->tgid;
	return true;
}

/*
 * Which stream of which run a transfer belongs to, and which side of it. Full registers: without 32-bit
 * arithmetic (mcpu=v2, for 5.10) a bound checked of a narrower one is lost when it is widened.
 */
struct place {
	struct run *run;
	__u64 index;
	__u64 self;
};

/* The run's own: of the inode that its fd 0, 1 or 2 was at exec. */
static __always_inline bool place_of_self(struct place *place, const struct watch *watch,
					  const struct transfer *transfer)
{
	struct run *run;

	if (!watch || !watch->run_start_ns)
		return false;
	run = run_find(transfer->tgid, watch->run_start_ns);
	if (!run)
		return false;
	*place = (struct place){.run = run, .self = 1};
	if (transfer->direction == TRANSFER_READ)
		return inode_key_equal(&run->stdio[STDIO_IN].key, &transfer->key);
	place->index = STDIO_OUT;
	if (inode_key_equal(&run->stdio[STDIO_OUT].key, &transfer->key))
		return true;
	place->index = STDIO_ERR;
	return inode_key_equal(&run->stdio[STDIO_ERR].key, &transfer->key);
}

/* Somebody's at the other end. */
static __always_inline bool place_of_peer(struct place *place, const struct transfer *transfer)
{
	struct endpoint *endpoint = bpf_map_lookup_elem(&streams, &transfer->key);
	__u64 index;

	if (!endpoint)
		return false;
	index = transfer->direction == TRANSFER_READ ? endpoint->read : endpoint->written;
	if (!index)
		return false;
	*place = (struct place){
		.run = bpf_map_lookup_elem(&runs, &endpoint->run),
		.index = index - 1,
	};
	return place->run != NULL;
}

/* One piece in an array is a piece. */
static __always_inline void transfer_simplify(struct transfer *transfer)
{
	struct iovec piece = {};

	if (transfer->iov_count != 1 || !piece_load(&piece, transfer, 0))
		return;
	transfer->base = piece.base;
	transfer->requested = piece.len;
	transfer->iov = 0;
	transfer->iov_count = 0;
}

/* What the server has to write, of which the pipe may not have taken all. */
static __always_inline void request_offer(struct run *run, __u64 offset,
					  const struct transfer *transfer)
{
	__u64 requested = transfer->requested, n = requested;
	__s64 result = transfer->result;

	if (!requested || transfer->direction != TRANSFER_WRITE)
		return;
	run->request_offered_bytes = offset + requested;
	if (result >= 0 && (__u64)result >= requested)
		return;
	if (n > REQUEST_TAIL_BYTES)
		n = REQUEST_TAIL_BYTES;
	if (bpf_probe_read_user(run->request_offered_tail, n,
				(void *)(transfer->base + requested - n)) < 0)
		user_fault(run);
}

/* `watch`: of the process that did it; NULL when it is not watched, door A sees it all the same. */
static __always_inline void transfer_account_pieces(const struct watch *watch,
						    const struct transfer *transfer,
						    __u32 pieces_max)
{
	struct place place;
	struct stream *stream;
	struct flow *flow;
	__u64 offset, index;

	if (!place_of_self(&place, watch, transfer) && !place_of_peer(&place, transfer))
		return;
	index = place.index;
	barrier_var(index); /* else the check is made of one register and the access with another */
	if (index >= STDIO_COUNT)
		return;
	stream = &place.run->stdio[index];
	flow = place.self ? &stream->self : &stream->peer;
	offset = flow->bytes;
	if (index == STDIO_IN && !place.self)
		request_offer(place.run, offset, transfer);
	if (!flow_account(flow, transfer))
		return;
	if (transfer->result > 0 && index != STDIO_ERR)
		payload_keep_transfer(place.run, payload_of(index, place.self), offset, transfer,
				      pieces_max);
	if (index != STDIO_IN)
		run_send_if_over(place.run);
}

static __always_inline void transfer_account(const struct watch *watch,
					     const struct transfer *transfer)
{
	transfer_account_pieces(watch, transfer, IOVECS_MAX);
}
