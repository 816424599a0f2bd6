/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "span/ids.h"
#include "span/sample.h"

#define SECOND_NS 1000000000ull

static void samplers_ask_the_parent_or_not(void **state)
{
	static const struct trace_context yes = {.sampled = true}, no = {.sampled = false};
	static const struct {
		struct sampler sampler;
		bool root, parent_yes, parent_no;
	} cases[] = {
		{{SAMPLER_ALWAYS_ON, 0}, true, true, true},
		{{SAMPLER_ALWAYS_OFF, 1}, false, false, false},
		{{SAMPLER_RATIO, 1}, true, true, true},
		{{SAMPLER_RATIO, 0}, false, false, false},
		{{SAMPLER_PARENT_ON, 0}, true, true, false},
		{{SAMPLER_PARENT_OFF, 1}, false, true, false},
		{{SAMPLER_PARENT_RATIO, 1}, true, true, false},
		{{SAMPLER_PARENT_RATIO, 0}, false, true, false},
	};
	static const struct trace_id trace = {{1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sampler *sampler = &cases[i].sampler;

		assert_int_equal(sampler_decide(sampler, &trace, NULL), cases[i].root);
		assert_int_equal(sampler_decide(sampler, &trace, &yes), cases[i].parent_yes);
		assert_int_equal(sampler_decide(sampler, &trace, &no), cases[i].parent_no);
	}
}

/* The bound of OpenTelemetry's SDKs: 63 bits of the last eight bytes, big-endian. */
static void a_ratio_is_a_bound_on_the_id(void **state)
{
	static const struct sampler half = {SAMPLER_RATIO, 0.5};
	static const struct trace_id below = {
		{[0] = 0xff, [8] = 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	static const struct trace_id above = {{[8] = 0x80}};

	(void)state;
	assert_true(sampler_decide(&half, &below, NULL));
	assert_false(sampler_decide(&half, &above, NULL));
}

static void a_ratio_takes_that_part(void **state)
{
	static const struct sampler tenth = {SAMPLER_RATIO, 0.1};
	unsigned taken = 0;
	struct ids ids;

	(void)state;
	ids_init(&ids, (const uint64_t[4]){1, 2, 3, 4});
	for (int i = 0; i < 100000; i++) {
		struct trace_id trace = ids_trace(&ids);

		taken += sampler_decide(&tenth, &trace, NULL);
	}
	/* Binomial with a fixed seed: five sigma are 475. */
	assert_in_range(taken, 9525, 10475);
}

static void the_slowest_is_the_longest_so_far(void **state)
{
	struct slowest slowest = {};
	uint64_t now = 500 * SECOND_NS;

	(void)state;
	assert_true(slowest_is(&slowest, "a", 10, now));
	assert_false(slowest_is(&slowest, "a", 10, now));
	assert_false(slowest_is(&slowest, "a", 9, now));
	assert_true(slowest_is(&slowest, "a", 11, now));
	assert_true(slowest_is(&slowest, "b", 1, now));
	assert_false(slowest_is(&slowest, "a", 11, now + SLOWEST_WINDOW_NS - 1));
	assert_true(slowest_is(&slowest, "a", 1, now + SLOWEST_WINDOW_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samplers_ask_the_parent_or_not),
		cmocka_unit_test(a_ratio_is_a_bound_on_the_id),
		cmocka_unit_test(a_ratio_takes_that_part),
		cmocka_unit_test(the_slowest_is_the_longest_so_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
