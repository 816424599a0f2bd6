/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Reads a recording: checks everything, believes nothing. */
#include "base/buf.h"
#include "record/frame.h"

struct recording_reader;

#define _cleanup_recording_reader_ __attribute__((cleanup(recording_reader_free)))

/* 0 or -errno with one line in `message`. */
int recording_open(const char *path, struct recording_reader **ret, struct buf *message);
/* The same of bytes in memory, which must live as long as the reader; name: for messages. */
int recording_open_bytes(const char *name, const void *bytes, size_t n,
			 struct recording_reader **ret, struct buf *message);
void recording_reader_free(struct recording_reader **reader);

/*
 * The next run, as run_decode() promises it; valid until the next call. 1; 0 at the end; -EBADMSG
 * with one line in `message` when what follows is not what was written.
 */
int recording_next(struct recording_reader *reader, const struct run **ret, struct buf *message);

/* It was closed by whoever wrote it. */
bool recording_complete(const struct recording_reader *reader);
/* Runs read. */
uint64_t recording_read(const struct recording_reader *reader);
/* Of the file: bytes read, bytes in all. */
uint64_t recording_position(const struct recording_reader *reader);
uint64_t recording_size(const struct recording_reader *reader);
