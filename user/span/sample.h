/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which traces are exported: OpenTelemetry's samplers when a trace begins, and a rule for what is worth
 * keeping whatever they said, when it is over. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span/span.h"

/* X(enum suffix, value of OTEL_TRACES_SAMPLER) */
#define SAMPLERS(X)                                                                                \
	X(ALWAYS_ON, "always_on")                                                                  \
	X(ALWAYS_OFF, "always_off")                                                                \
	X(RATIO, "traceidratio")                                                                   \
	X(PARENT_ON, "parentbased_always_on")                                                      \
	X(PARENT_OFF, "parentbased_always_off")                                                    \
	X(PARENT_RATIO, "parentbased_traceidratio")

#define X(name, value) SAMPLER_##name,
enum sampler_kind { SAMPLERS(X) SAMPLER_COUNT };
#undef X

struct sampler {
	enum sampler_kind kind;
	double ratio; /* 0 to 1 */
};

/* parent: of a traceparent; NULL = the trace begins here. The same trace id always gives the same answer. */
bool sampler_decide(const struct sampler *sampler, const struct trace_id *trace,
		    const struct trace_context *parent);

#define SLOWEST_BUCKETS 256
#define SLOWEST_WINDOW_NS (60 * 1000000000ull)

/*
 * The longest of a name within the last minute, so far. Of n that are alike about ln(n) are. Names share
 * buckets by hash: then the shorter one's slowest may not be seen as such.
 */
struct slowest {
	struct {
		uint64_t since_ns;
		uint64_t longest_ns;
	} buckets[SLOWEST_BUCKETS];
};

/* A span of that name took so long. */
bool slowest_is(struct slowest *slowest, const char *name, uint64_t took_ns, uint64_t now_ns);
