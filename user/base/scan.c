/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scan.h"

#include <string.h>

#include "base/escape.h"

#define KEY_BYTES 32

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_punctuation(uint8_t c)
{
	return c == ',' || c == ':' || c == '"' || c == '{' || c == '}' || c == '[' || c == ']';
}

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && is_space(*scan->at))
		scan->at++;
}

/* From the opening quote to behind the closing one. */
static enum scan_step skip_string(struct scan *scan)
{
	for (scan->at++; scan->at < scan->end; scan->at++) {
		if (*scan->at == '"') {
			scan->at++;
			return SCAN_MEMBER;
		}
		if (*scan->at < 0x20)
			return SCAN_BAD;
		if (*scan->at == '\\' && ++scan->at == scan->end)
			break;
	}
	return SCAN_CUT;
}

/* An object or array: only brackets are counted, whichever kind closes. */
static enum scan_step skip_nested(struct scan *scan)
{
	size_t depth = 0;

	while (scan->at < scan->end) {
		enum scan_step step = SCAN_MEMBER;
		uint8_t c = *scan->at;

		if (c == '"')
			step = skip_string(scan);
		else
			scan->at++;
		if (step != SCAN_MEMBER)
			return step;
		if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		if (depth == 0)
			return SCAN_MEMBER;
	}
	return SCAN_CUT;
}

/* A number or a name. One that touches the end of the text may go on behind it. */
static enum scan_step skip_scalar(struct scan *scan)
{
	const uint8_t *begin = scan->at;

	while (scan->at < scan->end && !is_space(*scan->at) && !is_punctuation(*scan->at))
		scan->at++;
	if (scan->at == begin)
		return SCAN_BAD;
	return scan->at == scan->end ? SCAN_CUT : SCAN_MEMBER;
}

static enum scan_step skip_value(struct scan *scan, struct scan_member *ret)
{
	enum scan_step step;

	skip_space(scan);
	if (scan->at == scan->end)
		return SCAN_CUT;
	ret->value = scan->at;
	if (*scan->at == '"')
		step = skip_string(scan);
	else if (*scan->at == '{' || *scan->at == '[')
		step = skip_nested(scan);
	else
		step = skip_scalar(scan);
	ret->value_bytes = (size_t)(scan->at - ret->value);
	return step;
}

/* A comma where one is due, or the end of the object. SCAN_MEMBER: a key is next. */
static enum scan_step skip_comma(struct scan *scan)
{
	skip_space(scan);
	if (scan->at == scan->end)
		return SCAN_CUT;
	if (*scan->at == '}') {
		scan->at++;
		return SCAN_CLOSED;
	}
	if (!scan->started)
		return SCAN_MEMBER;
	if (*scan->at != ',')
		return SCAN_BAD;
	scan->at++;
	skip_space(scan);
	return scan->at == scan->end ? SCAN_CUT : SCAN_MEMBER;
}

static enum scan_step skip_key(struct scan *scan, struct scan_member *ret)
{
	const uint8_t *begin = scan->at;
	enum scan_step step;

	if (*begin != '"')
		return SCAN_BAD;
	step = skip_string(scan);
	if (step != SCAN_MEMBER)
		return step;
	ret->key = begin;
	ret->key_bytes = (size_t)(scan->at - begin);
	skip_space(scan);
	if (scan->at == scan->end)
		return SCAN_CUT;
	return *scan->at++ == ':' ? SCAN_MEMBER : SCAN_BAD;
}

bool scan_object(struct scan *scan, const uint8_t *text, size_t n)
{
	*scan = (struct scan){.at = text, .end = text + n};
	skip_space(scan);
	return scan->at < scan->end && *scan->at++ == '{';
}

enum scan_step scan_next(struct scan *scan, struct scan_member *ret)
{
	enum scan_step step;

	*ret = (struct scan_member){0};
	step = skip_comma(scan);
	if (step == SCAN_MEMBER)
		step = skip_key(scan, ret);
	if (step == SCAN_MEMBER)
		step = skip_value(scan, ret);
	scan->started = true;
	return step;
}

int32_t scan_hex_unit(const uint8_t *p, const uint8_t *end)
{
	int32_t unit = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		uint8_t c = p[i] | 0x20;

		if (p[i] >= '0' && p[i] <= '9')
			unit = unit << 4 | (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

/* The character of a \u escape, p behind the u; moves p behind the escape. -1 for half a surrogate
 * pair. */
static int32_t unicode_escape(const uint8_t **p, const uint8_t *end)
{
	int32_t high = scan_hex_unit(*p, end), low;

	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return -1;
	*p += 4;
	if (high < 0xd800 || high > 0xdbff)
		return high;
	if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return -1;
	low = scan_hex_unit(*p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*p += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* The character of any escape, p behind the backslash; moves p behind the escape. -1 when it is
 * none. */
static int32_t any_escape(const uint8_t **p, const uint8_t *end)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *name;

	if (*p == end)
		return -1;
	if (*(*p)++ == 'u')
		return unicode_escape(p, end);
	name = memchr(names, (*p)[-1], sizeof(names) - 1);
	return name ? values[name - names] : -1;
}

static size_t utf8_encode(uint32_t code, uint8_t ret[4])
{
	static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n - 1; i > 0; i--) {
		ret[i] = 0x80 | (code & 0x3f);
		code >>= 6;
	}
	ret[0] = leads[n] | code;
	return n;
}

/* One character or byte of a string, p moved behind it: what it stands for, and how many bytes; 0 =
 * bad. */
static size_t string_piece(const uint8_t **p, const uint8_t *end, uint8_t ret[4])
{
	int32_t code;

	ret[0] = *(*p)++;
	if (ret[0] != '\\')
		return 1;
	code = any_escape(p, end);
	return code < 0 ? 0 : utf8_encode((uint32_t)code, ret);
}

bool scan_string(const uint8_t *token, size_t n, char *ret, size_t cap)
{
	const uint8_t *p, *end;
	size_t len = 0;

	if (n < 2 || token[0] != '"' || token[n - 1] != '"')
		return false;
	p = token + 1;
	end = token + n - 1;
	while (p < end) {
		uint8_t piece[4];
		size_t bytes = string_piece(&p, end, piece);

		if (bytes == 0 || bytes >= cap - len)
			return false;
		memcpy(ret + len, piece, bytes);
		len += bytes;
	}
	ret[len] = '\0';
	return utf8_valid(ret, len);
}

bool scan_key_is(const struct scan_member *member, const char *key)
{
	char decoded[KEY_BYTES];
	size_t n = strlen(key);

	if (!member->key)
		return false;
	/* As it stands there, as nearly always. */
	if (!memchr(member->key, '\\', member->key_bytes))
		return member->key_bytes == n + 2 && memcmp(member->key + 1, key, n) == 0;
	return scan_string(member->key, member->key_bytes, decoded, sizeof(decoded)) &&
	       strcmp(decoded, key) == 0;
}
