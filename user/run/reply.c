/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reply.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/scan.h"

static void json_release(json_t **json)
{
	json_decref(*json);
}

/* Whether p is a \u escape that jansson refuses and Go takes: half a surrogate pair, or NUL. */
static bool is_strange_escape(const char *p, size_t n)
{
	int32_t unit;

	if (n < 6 || p[1] != 'u')
		return false;
	unit = scan_hex_unit((const uint8_t *)p + 2, (const uint8_t *)p + n);
	return unit == 0 || (unit >= 0xd800 && unit <= 0xdfff);
}

/*
 * Go replaces in strings what is not Unicode, where jansson gives up. What strings say does not
 * matter here, only keys in ASCII do, so everything else becomes harmless without changing the
 * structure.
 */
static void make_plain(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] >= 0x80)
			p[i] = '?';
		else if (p[i] == '\0') /* jansson may skip it */
			p[i] = '\1';
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\\')
			continue;
		if (is_strange_escape(p + i, n - i))
			memcpy(p + i, "\\uFFFD", 6);
		i++;
	}
}

/* Go matches keys without case, and the last match counts. */
static bool has_error(json_t *object)
{
	bool error = false;
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (strcasecmp(key, "error") == 0)
			error = !json_is_null(value);
	}
	return error;
}

/*
 * Numbers are read as doubles, as in Go: integers of any length are fine, 1e999 is not. (Go would take
 * that in a member other than the three that it looks at.)
 */
static enum reply_verdict judge_whole(const uint8_t *p, size_t n)
{
	char plain[sizeof(((struct text *)0)->data) + 1];
	_cleanup_(json_release) json_t *json = NULL;
	size_t skip = text_skip_space(p, n);

	if (skip == n)
		return REPLY_EMPTY;
	n = text_trim_end(p + skip, n - skip);
	if (n == 2 && memcmp(p + skip, "{}", 2) == 0)
		return REPLY_SUCCESS; /* what is left of one in a recording: no need to parse it */
	memcpy(plain, p + skip, n);
	plain[n] = '\0';
	make_plain(plain, n);
	json = json_loadb(plain, n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	if (json_is_null(json))
		return REPLY_SUCCESS;
	if (!json_is_object(json))
		return REPLY_CORRUPT;
	return has_error(json) ? REPLY_FAILURE : REPLY_SUCCESS;
}

/* As far as it can be seen: `nu` at the end of the head may still become null. */
static bool may_be_null(const struct scan_member *member, bool cut)
{
	if (!member->value)
		return cut;
	return (cut ? member->value_bytes <= 4 : member->value_bytes == 4) &&
	       !memcmp(member->value, "null", member->value_bytes);
}

/*
 * The beginning of `{"result":…,"error":…,"metadata":…}`, where `result` may be missing and the
 * text goes on behind the head. Anything else is not the worker's.
 */
static enum reply_verdict judge_head(const uint8_t *p, size_t n)
{
	static const char *const keys[] = {"result", "error", "metadata"};
	enum scan_step step = SCAN_MEMBER;
	struct scan_member member;
	struct scan scan;
	size_t next = 0;

	if (!scan_object(&scan, p, n))
		return REPLY_CORRUPT;
	while (step == SCAN_MEMBER) {
		step = scan_next(&scan, &member);
		if (step == SCAN_CUT && !member.key)
			return next > 0 ? REPLY_SUCCESS : REPLY_CORRUPT;
		if (next == 0 && !scan_key_is(&member, keys[next]))
			next++;
		if (step == SCAN_CLOSED || step == SCAN_BAD || next == ARRAY_SIZE(keys) ||
		    !scan_key_is(&member, keys[next++]))
			return REPLY_CORRUPT;
		if (next == 2 && !may_be_null(&member, step == SCAN_CUT))
			return REPLY_FAILURE;
	}
	return REPLY_SUCCESS;
}

/* What is left of a tail while it is matched from its end. */
struct suffix {
	const uint8_t *p;
	size_t n;
};

/* Takes a literal off the end, or what there is of it where the rest was not captured. */
static bool take_literal(struct suffix *suffix, const char *literal)
{
	size_t len = strlen(literal);
	size_t seen = len < suffix->n ? len : suffix->n;

	if (memcmp(suffix->p + suffix->n - seen, literal + len - seen, seen))
		return false;
	suffix->n -= seen;
	return true;
}

/* Takes a string's inside off the end, back to its opening quote or to the end of what was
 * captured. */
static void take_string(struct suffix *suffix)
{
	while (suffix->n > 0) {
		size_t escapes = 0, at = suffix->n - 1;

		while (escapes < at && suffix->p[at - 1 - escapes] == '\\')
			escapes++;
		if (suffix->p[at] == '"' && escapes % 2 == 0)
			return;
		suffix->n--;
	}
}

static bool take_integer(struct suffix *suffix)
{
	size_t digits = 0;

	while (suffix->n > 0 && suffix->p[suffix->n - 1] >= '0' &&
	       suffix->p[suffix->n - 1] <= '9') {
		suffix->n--;
		digits++;
	}
	if (suffix->n > 0 && suffix->p[suffix->n - 1] == '-')
		suffix->n--;
	return digits > 0;
}

/*
 * The end of a success:
 * `"error":null,"metadata":{"tool_id":"…","tool_exec_id":"…","execution_time":3}}`, without
 * tool_exec_id where the request had none.
 */
static bool tail_is_success(const uint8_t *p, size_t n)
{
	struct suffix suffix = {.p = p, .n = n};

	if (n == 0 || !take_literal(&suffix, "}}") || !take_integer(&suffix) ||
	    !take_literal(&suffix, "\",\"execution_time\":"))
		return false;
	take_string(&suffix);
	if (take_literal(&suffix, "\",\"tool_exec_id\":\""))
		take_string(&suffix);
	return take_literal(&suffix, "\"error\":null,\"metadata\":{\"tool_id\":\"");
}

static enum reply_verdict judge_ends(const struct text *text)
{
	size_t skip = text_skip_space(text_head(text), text->head_bytes);
	size_t n = text_trim_end(text_tail(text), text->tail_bytes);
	enum reply_verdict verdict = REPLY_SUCCESS;

	if (skip == text->head_bytes && n == 0)
		return REPLY_EMPTY;
	if (skip < text->head_bytes)
		verdict = judge_head(text_head(text) + skip, text->head_bytes - skip);
	if (verdict == REPLY_FAILURE)
		return n > 0 && text_tail(text)[n - 1] == '}' ? REPLY_FAILURE : REPLY_CORRUPT;
	if (verdict == REPLY_SUCCESS && tail_is_success(text_tail(text), n))
		return REPLY_SUCCESS;
	return REPLY_CORRUPT;
}

enum reply_verdict reply_judge(const struct text *text)
{
	return text->whole ? judge_whole(text_head(text), text->head_bytes) : judge_ends(text);
}
