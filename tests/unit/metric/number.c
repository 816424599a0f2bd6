/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "metric/number.h"
#include "base/cleanup.h"

struct row {
	uint64_t value;
	unsigned scale;
	const char *text;
};

static void assert_text(const char *text, const char *end, const char *expected)
{
	assert_int_equal(end - text, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static void number_is_exact_without_trailing_zeros(void **state)
{
	static const struct row rows[] = {
		{0, 0, "0"},
		{7, 0, "7"},
		{10, 0, "10"},
		{99, 0, "99"},
		{100, 0, "100"},
		{12345, 0, "12345"},
		{UINT64_MAX, 0, "18446744073709551615"},
		{0, 9, "0"},
		{1500000000, 9, "1.5"},
		{1000000000, 9, "1"},
		{1, 9, "0.000000001"},
		{50, 3, "0.05"},
		{123456789012, 9, "123.456789012"},
		{100000000001, 9, "100.000000001"},
		{UINT64_MAX, 9, "18446744073.709551615"},
		{UINT64_MAX, 19, "1.8446744073709551615"},
		{1, 19, "0.0000000000000000001"},
	};
	char text[NUMBER_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_text(text, number_write(text, rows[i].value, rows[i].scale), rows[i].text);
}

/* The texts are strconv.FormatFloat(value, 'g', -1, 64) of Go 1.26. */
static void bound_is_what_go_prints(void **state)
{
	static const struct row rows[] = {
		{5000000, 9, "0.005"},
		{2500000000, 9, "2.5"},
		{30000000000, 9, "30"},
		{1, 0, "1"},
		{100, 0, "100"},
		{10000, 0, "10000"},
		{100000, 0, "100000"},
		{500000, 0, "500000"},
		{1000000, 0, "1e+06"},
		{10000000, 0, "1e+07"},
		{12500000, 0, "1.25e+07"},
		{1048576, 0, "1.048576e+06"},
		{33554432, 0, "3.3554432e+07"},
		{10000000000000000000u, 0, "1e+19"},
		{100000, 9, "0.0001"},
		{10000, 9, "1e-05"},
		{12345, 9, "1.2345e-05"},
		{1, 9, "1e-09"},
		{1, 19, "1e-19"},
		{12345678, 3, "12345.678"},
		{1234567500, 3, "1.2345675e+06"},
	};
	char text[NUMBER_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_text(text, number_write_bound(text, rows[i].value, rows[i].scale, false),
			    rows[i].text);
}

/* The canonical numbers that OpenMetrics 1.0.0 gives as examples. */
static void openmetrics_bound_is_canonical(void **state)
{
	static const struct row rows[] = {
		{0, 9, "0.0"},
		{1, 3, "0.001"},
		{2, 3, "0.002"},
		{10, 3, "0.01"},
		{100, 3, "0.1"},
		{900, 3, "0.9"},
		{950, 3, "0.95"},
		{999, 3, "0.999"},
		{1000, 3, "1.0"},
		{1700, 3, "1.7"},
		{10000, 3, "10.0"},
		{1, 10, "1e-10"},
		{1, 9, "1e-09"},
		{1, 5, "1e-05"},
		{1, 4, "0.0001"},
		{1, 0, "1.0"},
		{100000, 0, "100000.0"},
		{1000000, 0, "1e+06"},
		{10000000000, 0, "1e+10"},
	};
	char text[NUMBER_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_text(text, number_write_bound(text, rows[i].value, rows[i].scale, true),
			    rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_is_exact_without_trailing_zeros),
		cmocka_unit_test(bound_is_what_go_prints),
		cmocka_unit_test(openmetrics_bound_is_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
