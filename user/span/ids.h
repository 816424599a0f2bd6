/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Random ids, from a generator (xoshiro256**, public domain by Blackman and Vigna) that is seeded once: they
 * must not collide, nobody has to be kept from guessing them. Pure.
 */
#include "span/trace_context.h"

struct ids {
	uint64_t state[4];
};

/* seed: random; all zero would stay so. */
void ids_init(struct ids *ids, const uint64_t seed[4]);
/* 64 random bits. */
uint64_t ids_random(struct ids *ids);
/* Never all zero. */
struct trace_id ids_trace(struct ids *ids);
struct span_id ids_span(struct ids *ids);
