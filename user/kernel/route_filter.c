/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/route_filter.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define LITERAL_BYTES (ROUTE_WORDS * sizeof(__u64))

struct literal {
	const char *text;
	size_t bytes;
};

/* The bytes of the text, and a mask of them, as words in the memory's order. */
static void words_from_left(const struct literal *literal, __u64 *words, __u64 *masks)
{
	uint8_t bytes[LITERAL_BYTES] = {}, mask[LITERAL_BYTES] = {};

	memcpy(bytes, literal->text, literal->bytes);
	memset(mask, 0xff, literal->bytes);
	memcpy(words, bytes, sizeof(bytes));
	memcpy(masks, mask, sizeof(mask));
}

/* The last 8 bytes first. */
static void words_from_right(const struct literal *literal, __u64 *words, __u64 *masks)
{
	uint8_t bytes[LITERAL_BYTES] = {}, mask[LITERAL_BYTES] = {};
	size_t at = LITERAL_BYTES - literal->bytes;

	memcpy(bytes + at, literal->text, literal->bytes);
	memset(mask + at, 0xff, literal->bytes);
	for (size_t i = 0; i < ROUTE_WORDS; i++) {
		size_t from = LITERAL_BYTES - (i + 1) * sizeof(__u64);

		memcpy(&words[i], bytes + from, sizeof(__u64));
		memcpy(&masks[i], mask + from, sizeof(__u64));
	}
}

int route_filter_make(const char *method, const char *pattern, bool executes,
		      struct route_filter *ret)
{
	char line[LITERAL_BYTES];
	const char *open = strchr(pattern, '{'), *close = strrchr(pattern, '}');
	size_t before = open ? (size_t)(open - pattern) : strlen(pattern);
	struct literal prefix = {line, strlen(method) + 1 + before};
	struct literal suffix = {close ? close + 1 : "", close ? strlen(close + 1) : 0};

	/* Without braces the whole line is the prefix; user space sees where it ends. */
	if (prefix.bytes > sizeof(line) || suffix.bytes > LITERAL_BYTES)
		return -E2BIG;
	memcpy(line, method, strlen(method));
	line[strlen(method)] = ' ';
	memcpy(line + strlen(method) + 1, pattern, before);

	*ret = (struct route_filter){
		.prefix_bytes = (__u32)prefix.bytes,
		.suffix_bytes = (__u32)suffix.bytes,
		.executes = executes,
	};
	words_from_left(&prefix, ret->prefix, ret->prefix_mask);
	words_from_right(&suffix, ret->suffix, ret->suffix_mask);
	return 0;
}
