/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void signals_have_their_usual_names(void **state)
{
	(void)state;
	for (int i = 1; i < 32; i++) {
		const char *abbreviation = sigabbrev_np(i);
		char name[32];

		(void)snprintf(name, sizeof(name), "SIG%s", abbreviation);
		assert_string_equal(signal_name(i), strcmp(name, "SIGPOLL") ? name : "SIGIO");
	}
}

static void real_time_signals_count_from_the_first(void **state)
{
	(void)state;
	assert_string_equal(signal_name(34), "SIGRTMIN");
	assert_string_equal(signal_name(37), "SIGRTMIN+3");
	assert_string_equal(signal_name(64), "SIGRTMIN+30");
}

static void any_number_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(signal_name(0), "");
	for (unsigned i = 1; i < 65; i++)
		assert_memory_equal(signal_name(i), "SIG", 3);
	assert_string_equal(signal_name(65), "unknown");
	assert_string_equal(signal_name(UINT_MAX), "unknown");
}

static void every_value_has_a_label(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		assert_non_null(outcome_names[i]);
	for (int i = 0; i < ERROR_KIND_COUNT; i++)
		assert_non_null(error_kind_names[i]);
	for (int i = 0; i < SENDER_COUNT; i++)
		assert_non_null(sender_names[i]);
	assert_string_equal(error_kind_names[ERROR_KIND_STDERR], "stderr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_have_their_usual_names),
		cmocka_unit_test(real_time_signals_count_from_the_first),
		cmocka_unit_test(any_number_has_a_name),
		cmocka_unit_test(every_value_has_a_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
