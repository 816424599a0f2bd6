/* SPDX-License-Identifier: Apache-2.0 */
#include "run/request.h"

#include <string.h>

#include "base/scan.h"

#define TIMEOUT_KEY "\"timeout_ms\":"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* A positive integer that takes all n bytes; 0 when it is none or too large to mean anything. */
static uint64_t digits_value(const uint8_t *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_digit(p[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(p[i] - '0'), &value))
			return 0;
	}
	return value;
}

static void read_tool_id(const struct scan_member *member, bool cut, struct request *ret)
{
	ret->has_tool_id = true;
	if (cut || !member->value ||
	    !scan_string(member->value, member->value_bytes, ret->tool_id, sizeof(ret->tool_id)) ||
	    ret->tool_id[0] == '\0')
		strcpy(ret->tool_id, TOOL_ID_INVALID);
}

/* As JSON.parse does it, the last of several members with the same key counts. */
static void read_member(const struct scan_member *member, bool cut, struct request *ret)
{
	if (scan_key_is(member, "tool_id")) {
		read_tool_id(member, cut, ret);
	} else if (cut || !member->value) {
		return;
	} else if (scan_key_is(member, "timeout_ms")) {
		ret->timeout_ms = digits_value(member->value, member->value_bytes);
	} else if (scan_key_is(member, "tool_exec_id")) {
		if (!scan_string(member->value, member->value_bytes, ret->tool_exec_id,
				 sizeof(ret->tool_exec_id)))
			ret->tool_exec_id[0] = '\0';
	}
}

/* True when the object ends in the head. */
static bool read_head(const struct text *text, struct request *ret)
{
	struct scan_member member;
	enum scan_step step = SCAN_MEMBER;
	struct scan scan;

	if (!scan_object(&scan, text_head(text), text->head_bytes))
		return false;
	while (step == SCAN_MEMBER) {
		step = scan_next(&scan, &member);
		read_member(&member, step != SCAN_MEMBER, ret);
	}
	return step == SCAN_CLOSED;
}

/* The timeout as the last key: `"timeout_ms":60000}`, the last bytes of a request too long to be
 * seen whole. */
static uint64_t tail_timeout(const uint8_t *p, size_t n)
{
	const size_t key = strlen(TIMEOUT_KEY);
	size_t begin;

	if (n == 0 || p[n - 1] != '}')
		return 0;
	for (begin = n - 1; begin > 0 && is_digit(p[begin - 1]);)
		begin--;
	if (begin < key || memcmp(p + begin - key, TIMEOUT_KEY, key))
		return 0;
	return digits_value(p + begin, n - 1 - begin);
}

void request_read(const struct text *text, struct request *ret)
{
	size_t n = text_trim_end(text_tail(text), text->tail_bytes);
	bool closed;

	memset(ret, 0, sizeof(*ret));
	closed = read_head(text, ret);
	if (text->whole) {
		ret->complete = closed;
		return;
	}
	ret->complete = !text->unwritten && n > 0 && text_tail(text)[n - 1] == '}';
	if (!ret->timeout_ms)
		ret->timeout_ms = tail_timeout(text_tail(text), n);
}
