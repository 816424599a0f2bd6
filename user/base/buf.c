/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 256

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->error = 0;
}

int buf_reserve(struct buf *buf, size_t n)
{
	if (buf->error)
		return buf->error;
	if (n <= buf->cap - buf->len)
		return 0;

	size_t cap = buf->cap ? buf->cap : BUF_FIRST_BYTES;
	while (cap - buf->len < n) {
		if (cap > SIZE_MAX / 2)
			return buf->error = -ENOMEM;
		cap *= 2;
	}

	char *data = realloc(buf->data, cap);
	if (!data)
		return buf->error = -ENOMEM;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

void buf_append(struct buf *buf, const void *bytes, size_t n)
{
	if (n == 0 || buf_reserve(buf, n) < 0)
		return;
	memcpy(buf->data + buf->len, bytes, n);
	buf->len += n;
}

void buf_append_cstr(struct buf *buf, const char *cstr)
{
	buf_append(buf, cstr, strlen(cstr));
}

void buf_append_char(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	buf_append(buf, digits + i, sizeof(digits) - i);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	if (n < 0)
		buf->error = buf->error ? buf->error : -EINVAL;
	else if (buf_reserve(buf, (size_t)n + 1) == 0)
		buf->len += (size_t)vsnprintf(buf->data + buf->len, (size_t)n + 1, format, again);
	va_end(again);
	va_end(args);
}

const char *buf_cstr(struct buf *buf)
{
	if (buf_reserve(buf, 1) < 0)
		return "";
	buf->data[buf->len] = '\0';
	return buf->data;
}
