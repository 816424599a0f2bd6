/* SPDX-License-Identifier: Apache-2.0 */
#include "run/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

#define PROBE_ARGS "bun\0--version"

/* A `bun --version` of the builder's server, and a run of its that starts `gap_ms` after it ended. */
static void build_pair(struct run *probe, struct run *run, uint64_t gap_ms)
{
	build_run(probe);
	build_args(probe, PROBE_ARGS, sizeof(PROBE_ARGS));
	build_exit(probe, 20, 0);
	build_run(run);
	run->key.start_ns = probe->exit_ns + gap_ms * 1000000;
}

static void version_is_told_by_its_two_arguments(void **state)
{
	static const struct {
		const char *args;
		size_t bytes;
		bool version;
	} cases[] = {
		{PROBE_ARGS, sizeof(PROBE_ARGS), true},
		{"bun\0--version\0x", sizeof("bun\0--version\0x"), false},
		{"bun\0--revision", sizeof("bun\0--revision"), false},
		{"bun", sizeof("bun"), false},
		{"bun\0--version", sizeof("bun\0--version") - 1, false},
		{"", 0, false},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		build_run(&run);
		build_args(&run, cases[i].args, cases[i].bytes);
		if (version_is(&run) != cases[i].version)
			fail_msg("case %zu", i);
	}
}

static void call_begins_with_the_version_probe_before_it(void **state)
{
	struct versions versions = {};
	struct run probe, run;

	(void)state;
	build_pair(&probe, &run, 1);
	versions_add(&versions, &probe);
	assert_int_equal(versions_take(&versions, &run), probe.key.start_ns);
	assert_int_equal(versions_take(&versions, &run), 0);
}

static void version_probe_of_another_server_or_time_is_none(void **state)
{
	struct versions versions = {};
	struct run probe, run;

	(void)state;
	build_pair(&probe, &run, VERSION_GAP_NS / 1000000 + 1);
	versions_add(&versions, &probe);
	assert_int_equal(versions_take(&versions, &run), 0);

	build_pair(&probe, &run, 1);
	run.parent_pid++;
	assert_int_equal(versions_take(&versions, &run), 0);
	run.parent_pid--;
	run.parent_start_ns++;
	assert_int_equal(versions_take(&versions, &run), 0);
	run.parent_start_ns--;
	run.key.start_ns = probe.exit_ns - 1;
	assert_int_equal(versions_take(&versions, &run), 0);
}

static void the_latest_of_several_is_taken_first(void **state)
{
	struct versions versions = {};
	struct run probe, run;

	(void)state;
	build_pair(&probe, &run, 10);
	versions_add(&versions, &probe);
	probe.key.start_ns += 5000000;
	probe.exit_ns += 5000000;
	versions_add(&versions, &probe);
	assert_int_equal(versions_take(&versions, &run), probe.key.start_ns);
	assert_int_equal(versions_take(&versions, &run), probe.key.start_ns - 5000000);
	assert_int_equal(versions_take(&versions, &run), 0);
}

static void old_ones_make_room(void **state)
{
	struct versions versions = {};
	struct run probe, run;

	(void)state;
	build_pair(&probe, &run, 1);
	versions_add(&versions, &probe);
	probe.parent_pid++;
	for (size_t i = 0; i < VERSIONS_MAX; i++)
		versions_add(&versions, &probe);
	assert_int_equal(versions_take(&versions, &run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_is_told_by_its_two_arguments),
		cmocka_unit_test(call_begins_with_the_version_probe_before_it),
		cmocka_unit_test(version_probe_of_another_server_or_time_is_none),
		cmocka_unit_test(the_latest_of_several_is_taken_first),
		cmocka_unit_test(old_ones_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
