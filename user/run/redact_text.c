/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic requests and replies. What is left of the room is white space. Each is the shortest
 * text that is read as what it stands for, so it fits where that was read.
 */
#include <string.h>

#include "run/redact.h"

/* The longest tool id and execution id, all escaped, a timeout, and their keys. */
#define MEMBERS_BYTES (6 * (TOOL_ID_BYTES + TOOL_EXEC_ID_BYTES) + 128)

struct members {
	char p[MEMBERS_BYTES];
	size_t n;
};

static void put(struct members *members, const char *text)
{
	size_t n = strlen(text);

	if (n <= sizeof(members->p) - members->n) {
		memcpy(members->p + members->n, text, n);
		members->n += n;
	}
}

static void put_char(struct members *members, char c)
{
	put(members, (char[]){c, '\0'});
}

static void put_escape(struct members *members, uint8_t c)
{
	static const char shorts[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
	static const char digits[] = "0123456789abcdef";
	const char *found = memchr(shorts, c, sizeof(shorts) - 1);

	if (found) {
		put_char(members, '\\');
		put_char(members, names[found - shorts]);
	} else {
		put(members, "\\u00");
		put_char(members, digits[c >> 4]);
		put_char(members, digits[c & 15]);
	}
}

/* Its keys are in the order in which the last may be cut without harm to those before it. */
static void put_key(struct members *members, const char *key)
{
	put(members, members->n ? ",\"" : "{\"");
	put(members, key);
	put(members, "\"");
}

static void put_string(struct members *members, const char *key, const char *value)
{
	put_key(members, key);
	put(members, ":\"");
	for (; *value; value++) {
		uint8_t c = (uint8_t)*value;

		if (c < 0x20 || c == '"' || c == '\\')
			put_escape(members, c);
		else
			put_char(members, *value);
	}
	put(members, "\"");
}

static void put_timeout(struct members *members, uint64_t timeout_ms)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	for (; timeout_ms; timeout_ms /= 10)
		*--p = (char)('0' + timeout_ms % 10);
	put(members, "\"timeout_ms\":");
	put(members, p);
}

static void put_members(struct members *members, const struct request *request, bool timeout,
			bool closed)
{
	bool invalid = strcmp(request->tool_id, TOOL_ID_INVALID) == 0;

	if (timeout && request->timeout_ms) {
		put(members, "{");
		put_timeout(members, request->timeout_ms);
	}
	if (request->tool_exec_id[0])
		put_string(members, "tool_exec_id", request->tool_exec_id);
	if (request->has_tool_id && invalid) {
		put_key(members, "tool_id");
		put(members, closed ? ":0" : "");
	} else if (request->has_tool_id) {
		put_string(members, "tool_id", request->tool_id);
	}
	if (closed)
		put(members, members->n ? "}" : "{}");
}

/* Both end where their room does, whatever happens. */
static void put_first(struct text *text, const char *p, size_t n)
{
	memcpy(text->data, p, n < text->head_bytes ? n : text->head_bytes);
}

static void put_last(struct text *text, const char *p, size_t n)
{
	uint8_t *end = text->data + text->tail_at + text->tail_bytes;
	size_t room = text->tail_bytes;

	memcpy(end - (n < room ? n : room), p, n < room ? n : room);
}

static void clear(struct text *text)
{
	size_t n = text->whole ? text->head_bytes : text->head_bytes + text->tail_bytes;

	memset(text->data, REDACT_SPACE, n);
}

/*
 * Of a request that was not seen whole, the end says whether it is complete, and then the timeout
 * has room there. Where nothing is missing of it the timeout was read in its head.
 */
void redact_request(const struct request *request, struct text *text)
{
	bool ends = !text->whole && (request->complete || text->unwritten);
	struct members head = {}, tail = {};

	clear(text);
	put_members(&head, request, !ends, text->whole && request->complete);
	put_first(text, head.p, head.n);
	if (!ends)
		return;
	if (request->timeout_ms)
		put_timeout(&tail, request->timeout_ms);
	put(&tail, "}");
	put_last(text, tail.p, tail.n);
}

static void redact_whole(enum reply_verdict verdict, struct text *text)
{
	static const char *const shortest[] = {
		[REPLY_EMPTY] = "",
		[REPLY_SUCCESS] = "{}",
		[REPLY_FAILURE] = "{\"error\":0}",
		[REPLY_CORRUPT] = "?",
	};

	put_first(text, shortest[verdict], strlen(shortest[verdict]));
}

/* A reply of which the two ends were seen: as the worker writes them. */
static void redact_ends(enum reply_verdict verdict, struct text *text)
{
	static const struct {
		const char *first, *last;
	} ends[] = {
		[REPLY_EMPTY] = {"", ""},
		[REPLY_SUCCESS] = {"{\"result\":\"", "\",\"error\":null,\"metadata\":{\"tool_id\":"
						     "\"\",\"execution_time\":0}}"},
		[REPLY_FAILURE] = {"{\"error\":\"", "\"}"},
		[REPLY_CORRUPT] = {"?", ""},
	};

	put_first(text, ends[verdict].first, strlen(ends[verdict].first));
	put_last(text, ends[verdict].last, strlen(ends[verdict].last));
}

void redact_reply(enum reply_verdict verdict, struct text *text)
{
	clear(text);
	if (text->whole)
		redact_whole(verdict, text);
	else
		redact_ends(verdict, text);
}
