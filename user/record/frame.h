/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a recording consists of, as bytes: a header, then a frame a finished run. Little-endian, as
 * the machines that it is made on. docs/recording.md describes it for others. Pure.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"

/* Any change of struct run, of the header or of a frame is a new version. */
#define RECORDING_VERSION 3u
#define RECORDING_MAGIC "BUNSCOPE"

enum recording_flag {
	RECORDING_COMPLETE = 1u << 0, /* it was closed; runs and bytes are valid */
	RECORDING_PAYLOAD = 1u << 1,  /* holds what was captured of requests and replies */
};

struct recording_header {
	char magic[8];
	uint32_t version;
	uint32_t flags; /* enum recording_flag */
	uint32_t header_bytes;
	uint32_t run_bytes;   /* of struct run */
	uint32_t fixed_bytes; /* of its first part, numbers only */
	uint32_t texts;	      /* behind that, of a length of their own */
	uint64_t runs;
	uint64_t bytes; /* of the whole file */
};

/* The texts of a record: what is equal at the end of one is not written. X(member of struct run) */
#define FRAME_TEXTS(X)                                                                             \
	X(request_offered_tail)                                                                    \
	X(request_self.head)                                                                       \
	X(request_self.tail)                                                                       \
	X(request_peer.head)                                                                       \
	X(request_peer.tail)                                                                       \
	X(reply_self.head)                                                                         \
	X(reply_self.tail)                                                                         \
	X(reply_peer.head)                                                                         \
	X(reply_peer.tail)                                                                         \
	X(args)                                                                                    \
	X(exe)                                                                                     \
	X(name)

#define X(member) +1
enum { FRAME_TEXTS_COUNT = 0 FRAME_TEXTS(X) };
#undef X

#define FRAME_FIXED_BYTES offsetof(struct run, request_offered_tail)

#define FRAME_WORDS (FRAME_FIXED_BYTES / sizeof(uint64_t))
#define FRAME_MASKS 3 /* of 32 words each */

/* In front of each frame's bytes: the fixed part's words that are not 0, then each text's first `used` bytes. */
struct frame_head {
	uint32_t bytes;		     /* of the whole frame */
	uint32_t words[FRAME_MASKS]; /* bit i % 32 of words[i / 32]: word i is there */
	uint16_t used[FRAME_TEXTS_COUNT];
	uint8_t fill[FRAME_TEXTS_COUNT]; /* what all bytes behind them are */
};

#define FRAME_BYTES_MAX (sizeof(struct frame_head) + sizeof(struct run))

void header_make(bool payload, struct recording_header *ret);
/* NULL when this program can read what follows the header; else why not, behind the file's name. */
const char *header_problem(const void *bytes, size_t n);

/* ret: room for FRAME_BYTES_MAX. The frame's length. */
size_t frame_write(const struct run *run, uint8_t *ret);
/* The frame's length; 0: its end is missing; -EBADMSG: it is none. Never reads behind n. */
long frame_read(const uint8_t *bytes, size_t n, struct run *ret);
