/* SPDX-License-Identifier: Apache-2.0 */
#include "run/measure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "run/builder.h"

#define MS 1000000ull

static struct report measure(const struct run *run)
{
	struct report report = {0};

	run_measure(run, &report);
	return report;
}

static void latency_ends_with_the_later_of_exit_and_eof(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.stdio[STDIO_OUT].peer.eof_ns = build_ns(900);
	assert_int_equal(measure(&run).latency_ns, 900 * MS);
	run.stdio[STDIO_OUT].peer.eof_ns = build_ns(300);
	assert_int_equal(measure(&run).latency_ns, BUILD_EXIT_MS * MS);
	run.stdio[STDIO_OUT].peer.eof_ns = build_ns(900);
	run.stdio[STDIO_OUT].flags = STREAM_SHARED;
	assert_int_equal(measure(&run).latency_ns, BUILD_EXIT_MS * MS);
}

static void startup_ends_with_the_first_read(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	assert_true(measure(&run).has_startup);
	assert_int_equal(measure(&run).startup_ns, 20 * MS);
	run.flags |= RUN_ADOPTED;
	assert_false(measure(&run).has_startup);
	build_run(&run);
	run.stdio[STDIO_IN].self.first_ns = run.stdio[STDIO_IN].self.eof_ns = 0;
	assert_false(measure(&run).has_startup);
	run.stdio[STDIO_IN].self.eof_ns = build_ns(30);
	assert_int_equal(measure(&run).startup_ns, 30 * MS);
	run.stdio[STDIO_IN].peer.bytes = 0; /* there was nothing to read */
	assert_false(measure(&run).has_startup);
	run.stdio[STDIO_IN].self.first_ns = BUILD_START_NS - 1;
	assert_int_equal(measure(&run).startup_ns, 0);
}

static void assert_main_thread(const struct run *run, uint64_t cpu, uint64_t runqueue,
			       uint64_t wait)
{
	struct report report = measure(run);

	assert_int_equal(report.main_cpu_ns, cpu);
	assert_int_equal(report.main_runqueue_ns, runqueue);
	assert_int_equal(report.main_wait_ns, wait);
}

static void main_thread_adds_up_to_its_life(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.main_exit_ns = build_ns(300);
	run.main_cpu_ns = 100 * MS;
	run.main_runqueue_ns = 50 * MS;
	assert_main_thread(&run, 100 * MS, 50 * MS, 150 * MS);
	run.main_runqueue_ns = 250 * MS;
	assert_main_thread(&run, 100 * MS, 200 * MS, 0);
	run.main_cpu_ns = 301 * MS;
	assert_main_thread(&run, 300 * MS, 0, 0);
	run.main_exit_ns = 0;
	assert_main_thread(&run, 301 * MS, 199 * MS, 0);
}

static void bytes_are_those_of_the_side_that_counts(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.stdio[STDIO_IN].peer.bytes = 10;
	run.stdio[STDIO_IN].self.bytes = 9;
	run.stdio[STDIO_OUT].self.bytes = 8;
	run.stdio[STDIO_OUT].peer.bytes = 7;
	run.stdio[STDIO_OUT].peer.eof_ns = 0;
	run.stdio[STDIO_ERR].self.bytes = 6;
	run.stdio[STDIO_ERR].peer.bytes = 5;
	assert_int_equal(measure(&run).input_bytes, 10);
	assert_int_equal(measure(&run).output_bytes, 7);
	assert_int_equal(measure(&run).stderr_bytes, 6);
	run.stdio[STDIO_IN].flags = STREAM_EARLY;
	run.stdio[STDIO_OUT].flags = STREAM_SHARED;
	assert_int_equal(measure(&run).input_bytes, 9);
	assert_int_equal(measure(&run).output_bytes, 8);
}

static void cpu_and_memory_are_passed_on(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.cpu_ns = 123;
	run.max_rss_bytes = 456;
	assert_int_equal(measure(&run).cpu_ns, 123);
	assert_int_equal(measure(&run).max_rss_bytes, 456);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(latency_ends_with_the_later_of_exit_and_eof),
		cmocka_unit_test(startup_ends_with_the_first_read),
		cmocka_unit_test(main_thread_adds_up_to_its_life),
		cmocka_unit_test(bytes_are_those_of_the_side_that_counts),
		cmocka_unit_test(cpu_and_memory_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
