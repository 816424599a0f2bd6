/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/scan.h"

#define TIMEOUT_KEY "\"timeout\""
#define NUMBER_BYTES 32
#define MS_PER_SECOND 1000.0
/* A day: no request means more by it. */
#define TIMEOUT_MAX_S 86400.0

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_number(uint8_t c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
}

/* A number of seconds that takes all n bytes, as milliseconds; 0 when it is none, or means nothing. */
static uint64_t seconds_ms(const uint8_t *text, size_t n)
{
	char number[NUMBER_BYTES];
	char *end;

	if (n == 0 || n >= sizeof(number) || text[0] < '0' || text[0] > '9')
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_number(text[i]))
			return 0;
	}
	memcpy(number, text, n);
	number[n] = '\0';
	double seconds = strtod(number, &end);
	if (*end || !(seconds > 0) || seconds > TIMEOUT_MAX_S)
		return 0;
	return (uint64_t)(seconds * MS_PER_SECOND + 0.5);
}

/* As a JSON parser does it, the last of several members with the same key counts. */
static void read_member(const struct scan_member *member, struct asked *ret)
{
	if (scan_key_is(member, "timeout"))
		ret->timeout_ms = seconds_ms(member->value, member->value_bytes);
	else if (scan_key_is(member, "action") &&
		 !scan_string(member->value, member->value_bytes, ret->action, sizeof(ret->action)))
		ret->action[0] = '\0';
}

/* True when the object ends in the head, or is none: then the tail says nothing more. */
static bool read_head(const uint8_t *text, size_t n, struct asked *ret)
{
	struct scan_member member;
	enum scan_step step;
	struct scan scan;

	if (!scan_object(&scan, text, n))
		return true;
	while ((step = scan_next(&scan, &member)) == SCAN_MEMBER)
		read_member(&member, ret);
	return step != SCAN_CUT;
}

/* Goes back over what `is` says; where it stops. */
static size_t back(const uint8_t *text, size_t n, bool (*is)(uint8_t c))
{
	while (n > 0 && is(text[n - 1]))
		n--;
	return n;
}

/*
 * The timeout as the last member: `"timeout":60}`. The last brace closes the body itself, so what stands before it is
 * the body's own; the key's first quote begins a string, since it follows a comma.
 */
static uint64_t tail_timeout(const uint8_t *text, size_t n)
{
	const size_t key = strlen(TIMEOUT_KEY);

	n = back(text, n, is_blank);
	if (n == 0 || text[n - 1] != '}')
		return 0;
	size_t end = back(text, n - 1, is_blank);
	size_t begin = back(text, end, is_number);
	n = back(text, begin, is_blank);
	if (n == 0 || text[n - 1] != ':')
		return 0;
	n = back(text, n - 1, is_blank);
	if (n < key || memcmp(text + n - key, TIMEOUT_KEY, key) != 0)
		return 0;
	n = back(text, n - key, is_blank);
	if (n == 0 || text[n - 1] != ',')
		return 0;
	return seconds_ms(text + begin, end - begin);
}

void asked_read(const struct exchange *exchange, struct asked *ret)
{
	*ret = (struct asked){};
	if (exchange->flags & EXCHANGE_BODY_GAP)
		return;
	bool whole = exchange->request_body_bytes == exchange->body_bytes[EXCHANGE_REQUEST];
	bool done = read_head(exchange->body[EXCHANGE_REQUEST],
			      exchange->body_bytes[EXCHANGE_REQUEST], ret);
	if (done || whole || !exchange->request_last_ns)
		return;
	uint64_t last = tail_timeout(exchange->request_tail, exchange->request_tail_bytes);
	if (last)
		ret->timeout_ms = last;
}
