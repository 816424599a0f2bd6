/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* What it points to is not looked at. */
struct tool {
	int unused;
};
static struct tool some_tool;

#define CPUS 2
#define RUNS 4

/* A moment of two cpus, whose counters said 10 and 20 when the walk began. */
static void live_make(struct live *live)
{
	assert_int_equal(live_init(live, CPUS, RUNS), 0);
	live->begun[0] = 10;
	live->begun[1] = 20;
}

/* The ordinal-th run of a cpu. */
static struct run run_make(uint32_t cpu, uint64_t ordinal)
{
	return (struct run){
		.key = {.start_ns = 1000 * (cpu + 1) + ordinal, .tgid = 100 + (uint32_t)ordinal},
		.cpu = cpu,
		.ordinal = ordinal,
	};
}

/* The identity of one moment: what begun and in flight say about how many have finished. */
static void assert_totals(const struct live *live, uint64_t begun, size_t in_flight)
{
	assert_int_equal(live_begun(live), begun);
	assert_int_equal(live->count, in_flight);
}

static void assert_keys(const struct live *live, const struct run *const *runs, size_t n)
{
	assert_int_equal(live->count, n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(&live->runs[i].key, &runs[i]->key, sizeof(runs[i]->key));
}

static void begun_is_the_sum_of_all_cpus(void **state)
{
	struct live live;

	(void)state;
	live_make(&live);
	assert_totals(&live, 30, 0);
	live_free(&live);
}

static void run_that_was_counted_is_not_late(void **state)
{
	struct run last = run_make(0, 10), other = run_make(1, 20);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &last, &some_tool);
	live_add(&live, &other, &some_tool);
	assert_totals(&live, 30, 2);
	assert_keys(&live, (const struct run *[]){&last, &other}, 2);
	live_free(&live);
}

static void run_that_began_after_the_counters_were_read_counts_as_begun(void **state)
{
	struct run on_first = run_make(0, 11), on_second = run_make(1, 21);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &on_first, &some_tool);
	live_add(&live, &on_second, NULL);
	assert_totals(&live, 32, 2);
	live_free(&live);
}

static void run_that_ends_between_walk_and_drain_is_not_in_flight(void **state)
{
	struct run first = run_make(0, 8), second = run_make(0, 9), third = run_make(0, 10);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &first, &some_tool);
	live_add(&live, &second, &some_tool);
	live_add(&live, &third, &some_tool);
	live_end(&live, &first);
	assert_totals(&live, 30, 2);
	assert_keys(&live, (const struct run *[]){&third, &second}, 2);
	live_end(&live, &second);
	live_end(&live, &third);
	assert_totals(&live, 30, 0);
	live_free(&live);
}

static void late_run_that_ends_before_the_drain_counts_once(void **state)
{
	struct run run = run_make(0, 11);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &run, &some_tool);
	live_end(&live, &run);
	assert_totals(&live, 31, 0);
	live_free(&live);
}

static void late_run_that_the_walk_missed_counts_when_it_ends(void **state)
{
	struct run run = run_make(1, 21);
	struct live live;

	(void)state;
	live_make(&live);
	live_end(&live, &run);
	assert_totals(&live, 31, 0);
	live_free(&live);
}

static void run_that_ended_before_the_walk_changes_nothing(void **state)
{
	struct run run = run_make(0, 10), in_flight = run_make(0, 9);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &in_flight, &some_tool);
	live_end(&live, &run);
	assert_totals(&live, 30, 1);
	live_free(&live);
}

static void pid_that_is_used_again_is_another_run(void **state)
{
	struct run old = run_make(0, 9), new = run_make(0, 10);
	struct live live;

	(void)state;
	new.key.tgid = old.key.tgid;
	live_make(&live);
	live_add(&live, &new, &some_tool);
	live_end(&live, &old);
	assert_totals(&live, 30, 1);
	live_end(&live, &new);
	assert_totals(&live, 30, 0);
	live_free(&live);
}

static void cpu_without_a_counter_is_never_late(void **state)
{
	struct run run = run_make(CPUS, UINT64_MAX);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &run, &some_tool);
	assert_totals(&live, 30, 1);
	live_end(&live, &run);
	live_end(&live, &run);
	assert_totals(&live, 30, 0);
	live_free(&live);
}

/* One that ended behind the walk leaves room in the map for one that begins before it. */
static void twice_as_many_runs_as_the_map_holds_are_kept(void **state)
{
	struct live live;

	(void)state;
	live_make(&live);
	for (uint64_t i = 1; i <= 2 * RUNS + 1; i++) {
		struct run run = run_make(0, 10 + i);

		live_add(&live, &run, &some_tool);
	}
	assert_totals(&live, 30 + 2 * RUNS, 2 * RUNS);

	/* The one beyond is met when it ends, as if the walk had missed it. */
	struct run beyond = run_make(0, 10 + 2 * RUNS + 1);
	live_end(&live, &beyond);
	assert_totals(&live, 30 + 2 * RUNS + 1, 2 * RUNS);
	live_free(&live);
}

static void reset_forgets_the_runs_and_the_late_ones(void **state)
{
	struct run run = run_make(0, 11);
	struct live live;

	(void)state;
	live_make(&live);
	live_add(&live, &run, &some_tool);
	live_reset(&live);
	live.begun[0] = 11;
	assert_totals(&live, 31, 0);
	live_add(&live, &run, &some_tool);
	assert_totals(&live, 31, 1);
	live_free(&live);
}

static void oldest_is_the_earliest_start_of_a_tool(void **state)
{
	struct run no_tool = run_make(0, 1), younger = run_make(0, 3), older = run_make(0, 2);
	struct live live;

	(void)state;
	live_make(&live);
	assert_int_equal(live_oldest_ns(&live), 0);
	live_add(&live, &no_tool, NULL);
	assert_int_equal(live_oldest_ns(&live), 0);
	live_add(&live, &younger, &some_tool);
	assert_int_equal(live_oldest_ns(&live), younger.key.start_ns);
	live_add(&live, &older, &some_tool);
	assert_int_equal(live_oldest_ns(&live), older.key.start_ns);
	live_end(&live, &older);
	assert_int_equal(live_oldest_ns(&live), younger.key.start_ns);
	live_free(&live);
}

static void freeing_leaves_nothing_behind(void **state)
{
	struct live live;

	(void)state;
	live_make(&live);
	live_free(&live);
	assert_null(live.runs);
	assert_null(live.begun);
	live_free(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begun_is_the_sum_of_all_cpus),
		cmocka_unit_test(run_that_was_counted_is_not_late),
		cmocka_unit_test(run_that_began_after_the_counters_were_read_counts_as_begun),
		cmocka_unit_test(run_that_ends_between_walk_and_drain_is_not_in_flight),
		cmocka_unit_test(late_run_that_ends_before_the_drain_counts_once),
		cmocka_unit_test(late_run_that_the_walk_missed_counts_when_it_ends),
		cmocka_unit_test(run_that_ended_before_the_walk_changes_nothing),
		cmocka_unit_test(pid_that_is_used_again_is_another_run),
		cmocka_unit_test(cpu_without_a_counter_is_never_late),
		cmocka_unit_test(twice_as_many_runs_as_the_map_holds_are_kept),
		cmocka_unit_test(reset_forgets_the_runs_and_the_late_ones),
		cmocka_unit_test(oldest_is_the_earliest_start_of_a_tool),
		cmocka_unit_test(freeing_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
