/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/pairs.h"

#include <string.h>

#include "base/escape.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes n bytes to p with a NUL. Its end, or NULL: a percent sign without its digits, or a control character. */
static char *decode(char *p, const char *text, size_t n)
{
	const char *start = p;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '%') {
			int high = n - i > 2 ? digit(text[i + 1]) : -1;
			int low = n - i > 2 ? digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if ((unsigned char)c < ' ')
			return NULL;
		*p++ = c;
	}
	*p++ = '\0';
	return utf8_valid(start, (size_t)(p - start) - 1) ? p : NULL;
}

static void trim(const char **text, size_t *n)
{
	while (*n && is_blank(**text))
		(*text)++, (*n)--;
	while (*n && is_blank((*text)[*n - 1]))
		(*n)--;
}

/* Text grows from *p on. */
static bool read_pair(struct pairs *pairs, char **p, const char *text, size_t n)
{
	trim(&text, &n);
	if (n == 0)
		return true;
	const char *equals = memchr(text, '=', n);
	if (!equals || pairs->count == PAIRS_MAX)
		return false;

	const char *value = equals + 1;
	size_t key_bytes = (size_t)(equals - text), value_bytes = n - key_bytes - 1;
	trim(&text, &key_bytes);
	trim(&value, &value_bytes);
	pairs->keys[pairs->count] = *p;
	char *end = key_bytes ? decode(*p, text, key_bytes) : NULL;
	if (!end)
		return false;
	pairs->values[pairs->count++] = end;
	*p = decode(end, value, value_bytes);
	return *p != NULL;
}

bool pairs_read(const char *list, struct pairs *ret)
{
	char *p = ret->text;

	ret->count = 0;
	/* Decoded it is not longer, and each pair's two NULs replace its '=' and ','. */
	if (strlen(list) >= PAIRS_BYTES - 1)
		return false;
	for (;;) {
		size_t n = strcspn(list, ",");

		if (!read_pair(ret, &p, list, n))
			return false;
		if (list[n] == '\0')
			return true;
		list += n + 1;
	}
}
