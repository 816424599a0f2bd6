/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A part of a source that is read from front to back, a piece at a time. */
#include "go/source.h"

#define GO_WINDOW_BYTES (64u * 1024)

struct go_window {
	struct go_source source;
	uint64_t end; /* nothing is read from here on */
	uint64_t offset;
	size_t n;
	uint8_t bytes[GO_WINDOW_BYTES];
};

/* The n bytes at offset, until the next call; NULL where they are not inside, or cannot be read. */
const uint8_t *window_at(struct go_window *window, uint64_t offset, size_t n);
/* Bytes that can be had at offset at once, at most GO_WINDOW_BYTES. */
size_t window_room(const struct go_window *window, uint64_t offset);
