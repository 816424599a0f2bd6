/* SPDX-License-Identifier: Apache-2.0 */
#include "span/trace_context.h"

#include <string.h>

#define VERSION_INVALID 0xff
#define FLAG_SAMPLED 1
/* 00-<32 digits>-<16 digits>-<2 digits> */
#define TRACE_AT 3
#define PARENT_AT 36
#define FLAGS_AT 53
#define TRACEPARENT_V0_BYTES 55

#define MEMBERS_MAX 32
#define KEY_BYTES_MAX 256
#define TENANT_BYTES_MAX 241
#define SYSTEM_BYTES_MAX 14
#define VALUE_BYTES_MAX 256

/* The standard knows lower case only. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *text, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* A later version may have more behind a dash; what is before it keeps its meaning. */
static bool has_shape(const char *text, size_t n, uint8_t version)
{
	if (version == VERSION_INVALID || text[2] != '-' || text[35] != '-' || text[52] != '-')
		return false;
	if (n == TRACEPARENT_V0_BYTES)
		return true;
	return version > 0 && text[TRACEPARENT_V0_BYTES] == '-';
}

bool traceparent_read(const char *text, size_t n, struct trace_context *ret)
{
	struct trace_context context;
	uint8_t version, flags;

	if (n < TRACEPARENT_V0_BYTES || !read_hex(text, &version, 1) ||
	    !has_shape(text, n, version))
		return false;
	if (!read_hex(text + TRACE_AT, context.trace.bytes, TRACE_ID_BYTES) ||
	    !read_hex(text + PARENT_AT, context.parent.bytes, SPAN_ID_BYTES) ||
	    !read_hex(text + FLAGS_AT, &flags, 1))
		return false;
	if (all_zero(context.trace.bytes, TRACE_ID_BYTES) ||
	    all_zero(context.parent.bytes, SPAN_ID_BYTES))
		return false;
	context.sampled = flags & FLAG_SAMPLED;
	*ret = context;
	return true;
}

/* ---- tracestate ---- */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_key_char(char c)
{
	return is_lower(c) || (c >= '0' && c <= '9') || (c && strchr("_-*/", c));
}

/* Length of the key characters at text. */
static size_t key_span(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && is_key_char(text[i]))
		i++;
	return i;
}

/* simple-key, or tenant@system; the only thing that may begin with a digit is a tenant. */
static bool key_valid(const char *key, size_t n)
{
	size_t first = key_span(key, n);

	if (first == 0)
		return false;
	if (first == n)
		return is_lower(key[0]) && n <= KEY_BYTES_MAX;
	if (key[first] != '@' || first > TENANT_BYTES_MAX)
		return false;

	size_t rest = n - first - 1;
	return rest > 0 && rest <= SYSTEM_BYTES_MAX && is_lower(key[first + 1]) &&
	       key_span(key + first + 1, rest) == rest;
}

static bool value_valid(const char *value, size_t n)
{
	if (n == 0 || n > VALUE_BYTES_MAX || value[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (value[i] < ' ' || value[i] > '~' || value[i] == ',' || value[i] == '=')
			return false;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Empty ones are allowed: what is left of a header that somebody emptied. */
static bool member_valid(const char *text, size_t n, size_t *ret_members)
{
	while (n && is_blank(*text))
		text++, n--;
	while (n && is_blank(text[n - 1]))
		n--;
	if (n == 0)
		return true;
	const char *equals = memchr(text, '=', n);
	if (!equals || ++*ret_members > MEMBERS_MAX)
		return false;

	size_t key = (size_t)(equals - text);
	return key_valid(text, key) && value_valid(equals + 1, n - key - 1);
}

bool tracestate_valid(const char *text, size_t n)
{
	size_t members = 0;

	if (n > TRACESTATE_BYTES)
		return false;
	for (size_t at = 0; at <= n;) {
		const char *comma = memchr(text + at, ',', n - at);
		size_t end = comma ? (size_t)(comma - text) : n;

		if (!member_valid(text + at, end - at, &members))
			return false;
		at = end + 1;
	}
	return members > 0;
}

void id_hex(const uint8_t *bytes, size_t n, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * n] = '\0';
}
