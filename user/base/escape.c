/* SPDX-License-Identifier: Apache-2.0 */
#include "base/escape.h"

#include <stdint.h>

/* Length of the well-formed character at p, 0 where there is none. Unicode 15, table 3-7. */
static size_t utf8_char_bytes(const uint8_t *p, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;

	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;

	if (n < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

bool utf8_valid(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n;) {
		size_t len = 1;

		if (p[i] >= 0x80)
			len = utf8_char_bytes(p + i, n - i);
		if (len == 0 || p[i] == 0)
			return false;
		i += len;
	}
	return true;
}

/* What a terminal obeys: JSON itself would take U+007F to U+009F as they are. */
static bool is_control(const uint8_t *p, size_t len)
{
	return len == 1 ? p[0] < 0x20 || p[0] == 0x7f : len == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

static void json_append_character(struct buf *buf, const uint8_t *p, size_t len)
{
	if (is_control(p, len)) {
		buf_printf(buf, "\\u%04x", p[len - 1]);
		return;
	}
	if (p[0] == '"' || p[0] == '\\')
		buf_append_char(buf, '\\');
	buf_append(buf, p, len);
}

void json_append_string(struct buf *buf, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	buf_append_char(buf, '"');
	for (size_t i = 0; i < n;) {
		size_t len = utf8_char_bytes(p + i, n - i);
		if (len == 0)
			buf_append_cstr(buf, "\xef\xbf\xbd");
		else
			json_append_character(buf, p + i, len);
		i += len ? len : 1;
	}
	buf_append_char(buf, '"');
}
