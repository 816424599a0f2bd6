/* SPDX-License-Identifier: Apache-2.0 */
#include "span/sample.h"

/* As OpenTelemetry's SDKs do it, so that all take the same traces: 63 bits of the id's last eight bytes. */
static bool in_ratio(const struct trace_id *trace, double ratio)
{
	uint64_t value = 0;

	for (int i = TRACE_ID_BYTES - 8; i < TRACE_ID_BYTES; i++)
		value = value << 8 | trace->bytes[i];
	if (ratio >= 1)
		return true;
	return value >> 1 < (uint64_t)(ratio * (double)(1ull << 63));
}

bool sampler_decide(const struct sampler *sampler, const struct trace_id *trace,
		    const struct trace_context *parent)
{
	if (parent && sampler->kind >= SAMPLER_PARENT_ON)
		return parent->sampled;
	switch (sampler->kind) {
	case SAMPLER_ALWAYS_ON:
	case SAMPLER_PARENT_ON:
		return true;
	case SAMPLER_RATIO:
	case SAMPLER_PARENT_RATIO:
		return in_ratio(trace, sampler->ratio);
	default:
		return false;
	}
}

static unsigned bucket_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return (hash ^ hash >> 16) % SLOWEST_BUCKETS;
}

bool slowest_is(struct slowest *slowest, const char *name, uint64_t took_ns, uint64_t now_ns)
{
	unsigned i = bucket_of(name);

	if (now_ns - slowest->buckets[i].since_ns >= SLOWEST_WINDOW_NS) {
		slowest->buckets[i].since_ns = now_ns;
		slowest->buckets[i].longest_ns = 0;
	}
	if (took_ns <= slowest->buckets[i].longest_ns)
		return false;
	slowest->buckets[i].longest_ns = took_ns;
	return true;
}
