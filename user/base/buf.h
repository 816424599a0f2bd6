/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A growing byte buffer. Appends are not checked one by one: the first failure is kept and later
 * appends do nothing; ask once at the end with buf_error(). Not NUL-terminated unless buf_cstr() is used.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data; /* owned */
	size_t len;
	size_t cap;
	int error; /* 0 or -errno of the first failure */
};

#define _cleanup_buf_ __attribute__((cleanup(buf_free)))

/* Frees the memory and leaves an empty buffer that can be used again. */
void buf_free(struct buf *buf);
/* Forgets the contents and the error, keeps the memory. */
void buf_clear(struct buf *buf);
/* Makes room for n more bytes. 0 or -errno (also kept). */
int buf_reserve(struct buf *buf, size_t n);
void buf_append(struct buf *buf, const void *bytes, size_t n);
void buf_append_cstr(struct buf *buf, const char *cstr);
void buf_append_char(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The contents as a C string, owned by the buffer; "" after a failure. */
const char *buf_cstr(struct buf *buf);

static inline int buf_error(const struct buf *buf)
{
	return buf->error;
}
