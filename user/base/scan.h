/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The members of one JSON object whose text may end anywhere. It owns nothing, never reads behind
 * the text and takes any bytes. Nested values are skipped, not checked: a whole document has a real
 * parser.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const uint8_t *at;
	const uint8_t *end;
	bool started; /* a member was read: the next one follows a comma */
};

/* A key and a value as they stand in the text, strings with their quotes. */
struct scan_member {
	const uint8_t *key; /* NULL: the text ended before the key did */
	size_t key_bytes;
	const uint8_t *value; /* NULL: the text ended before it began */
	size_t value_bytes;
};

enum scan_step {
	SCAN_MEMBER, /* a whole member */
	SCAN_CUT,    /* the text ended; the member holds what there was of it */
	SCAN_CLOSED, /* the object ended; scan.at is behind it */
	SCAN_BAD,    /* not JSON; a key without value means that the value is missing */
};

/* Steps into the object that the text begins with. False when there is none. */
bool scan_object(struct scan *scan, const uint8_t *text, size_t n);
enum scan_step scan_next(struct scan *scan, struct scan_member *ret);

/* Escapes decoded, at most cap - 1 bytes and a NUL. False: too long, not a string, not text. */
bool scan_string(const uint8_t *token, size_t n, char *ret, size_t cap);
/* Whether the member's key is this one, however it is escaped. At most 31 bytes. */
bool scan_key_is(const struct scan_member *member, const char *key);
/* The four hexadecimal digits at p, behind the u of an escape; -1 when they are not four. */
int32_t scan_hex_unit(const uint8_t *p, const uint8_t *end);
