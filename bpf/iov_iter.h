/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where the payload of a call stands, from the iterator that the kernel moved it by. What differs between kernels:
 *
 *   5.14  the type is a number of its own; before, a bit of `type` beside the direction's
 *   6.0   read() and write() have no array: ITER_UBUF, one buffer from `ubuf` on
 *   6.4   `iov` became `__iov`; an array of one piece becomes ITER_UBUF
 *   6.7   the numbers of the types changed: hence never as constants
 *
 * Without this the payload is not found; bytes and errors would still count.
 */
#include "bpf/types.h"
#include <bpf/bpf_core_read.h>

#include "bpf/transfer.h"

enum iter_type { ITER_IOVEC, ITER_UBUF };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct iov_iter___5_13 {
	unsigned int type;
};

struct iov_iter___6_3 {
	const void *iov;
};

#pragma clang attribute pop

static __always_inline bool iter_is_buffer(struct iov_iter *iter)
{
	if (!bpf_core_enum_value_exists(enum iter_type, ITER_UBUF))
		return false;
	return BPF_CORE_READ(iter, iter_type) == bpf_core_enum_value(enum iter_type, ITER_UBUF);
}

static __always_inline bool iter_is_array(struct iov_iter *iter)
{
	struct iov_iter___5_13 *older = (void *)iter;

	if (!bpf_core_field_exists(iter->iter_type))
		return BPF_CORE_READ(older, type) & bpf_core_enum_value(enum iter_type, ITER_IOVEC);
	return BPF_CORE_READ(iter, iter_type) == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
}

static __always_inline __u64 iter_array(struct iov_iter *iter)
{
	struct iov_iter___6_3 *older = (void *)iter;

	if (bpf_core_field_exists(iter->__iov))
		return (__u64)BPF_CORE_READ(iter, __iov);
	return (__u64)BPF_CORE_READ(older, iov);
}

/*
 * Back to the first byte that was moved, as iov_iter_revert() does it. The piece before the first stays the
 * caller's: no more than was moved is walked.
 */
static __always_inline void iter_rewind(struct transfer *transfer, struct iov_iter *iter,
					__u64 moved, __u32 pieces_max)
{
	__u64 at = BPF_CORE_READ(iter, iov_offset);

	transfer->iov_kernel = true;
	transfer->iov = iter_array(iter);
	transfer->iov_count = BPF_CORE_READ(iter, nr_segs);
	for (__u32 i = 0; i < pieces_max; i++) {
		struct iovec piece = {};

		if (at >= moved)
			break;
		transfer->iov -= sizeof(piece);
		transfer->iov_count++;
		bpf_probe_read_kernel(&piece, sizeof(piece), (void *)transfer->iov);
		at += piece.len;
	}
	if (at < moved)
		transfer->iov_count =
			0; /* too many pieces: none is found, which counts as a fault */
	transfer->iov_skip = at - moved;
	transfer_simplify(transfer);
}

/*
 * Fills in the payload's place, of an iterator that was advanced by what was moved. False when it is not user
 * memory (splice), or when there was room for nothing: a read of nothing that returns 0 is no end of file.
 */
static __always_inline bool transfer_read_iter(struct transfer *transfer, struct iov_iter *iter,
					       __u32 pieces_max)
{
	__u64 moved = transfer->result > 0 ? transfer->result : 0;
	__u64 requested = BPF_CORE_READ(iter, count) + moved;

	if (iter_is_buffer(iter)) {
		transfer->base =
			(__u64)BPF_CORE_READ(iter, ubuf) + BPF_CORE_READ(iter, iov_offset) - moved;
		transfer->requested = requested;
	} else if (iter_is_array(iter)) {
		iter_rewind(transfer, iter, moved, pieces_max);
	} else {
		return false;
	}
	return requested;
}
