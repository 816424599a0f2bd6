/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writes a recording. Its header says that it is incomplete until it was closed; what was flushed
 * before is in the file whatever happens. The first error is kept: later calls do nothing.
 */
#include "base/buf.h"
#include "record/frame.h"

struct recording_writer;

#define _cleanup_recording_writer_ __attribute__((cleanup(recording_writer_free)))

/*
 * A new file, for its owner only; a pipe or a device may exist, an ordinary file not. 0 or -errno
 * with one line in `message`.
 */
int recording_create(const char *path, bool payload, struct recording_writer **ret,
		     struct buf *message);
void recording_append(struct recording_writer *writer, const struct run *run);
/* Hands what was appended to the system. 0 or the first error. */
int recording_flush(struct recording_writer *writer);
/* The same, and marks the file as complete where it can be rewritten. 0 or the first error. */
int recording_close(struct recording_writer *writer);
/* Runs that the file holds in whole. */
uint64_t recording_runs(const struct recording_writer *writer);
uint64_t recording_bytes(const struct recording_writer *writer);
/* One that was not closed and holds no run yet leaves no file behind. */
void recording_writer_free(struct recording_writer **writer);
