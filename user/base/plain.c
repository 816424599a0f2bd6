/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain.h"

/* Length of the control character at text, 0 where there is none: U+0080 to U+009F are some as well. */
static size_t control_bytes(const char *text)
{
	unsigned char c = (unsigned char)text[0];

	if (c < 0x20 || c == 0x7f)
		return 1;
	return c == 0xc2 && (unsigned char)text[1] < 0xa0 ? 2 : 0;
}

static size_t character_bytes(const char *text)
{
	size_t n = 1;

	while (((unsigned char)text[n] & 0xc0) == 0x80)
		n++;
	return n;
}

size_t plain_width(const char *text)
{
	size_t width = 0;

	for (; *text; text += character_bytes(text))
		width++;
	return width;
}

void plain_append(struct buf *out, const char *text, size_t width, size_t most)
{
	size_t used = 0;

	for (; *text && used < most; used++) {
		size_t n = character_bytes(text);

		if (used + 1 == most && text[n])
			buf_append_char(out, '~');
		else if (control_bytes(text))
			buf_append_char(out, '?');
		else
			buf_append(out, text, n);
		text += n;
	}
	for (; used < width; used++)
		buf_append_char(out, ' ');
}
