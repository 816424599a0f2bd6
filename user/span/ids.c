/* SPDX-License-Identifier: Apache-2.0 */
#include "span/ids.h"

#include <string.h>

static uint64_t rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

void ids_init(struct ids *ids, const uint64_t seed[4])
{
	memcpy(ids->state, seed, sizeof(ids->state));
	ids->state[0] |= 1;
}

uint64_t ids_random(struct ids *ids)
{
	uint64_t *s = ids->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static uint64_t random_not_zero(struct ids *ids)
{
	uint64_t value;

	do
		value = ids_random(ids);
	while (value == 0);
	return value;
}

struct trace_id ids_trace(struct ids *ids)
{
	const uint64_t words[2] = {ids_random(ids), random_not_zero(ids)};
	struct trace_id id;

	memcpy(id.bytes, words, sizeof(id.bytes));
	return id;
}

struct span_id ids_span(struct ids *ids)
{
	uint64_t word = random_not_zero(ids);
	struct span_id id;

	memcpy(id.bytes, &word, sizeof(id.bytes));
	return id;
}
