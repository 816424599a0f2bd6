/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/glob.h"

struct row {
	const char *pattern;
	const char *path;
	bool matches;
};

static void assert_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (glob_match_path(rows[i].pattern, rows[i].path) != rows[i].matches)
			fail_msg("%s %s", rows[i].pattern, rows[i].path);
	}
}

static void pattern_without_slash_is_matched_with_the_base_name(void **state)
{
	static const struct row rows[] = {
		{"bun", "/usr/local/bin/bun", true}, {"bun", "bun", true},
		{"bun", "/opt/bun/node", false},     {"bun", "/usr/bin/bunx", false},
		{"bun*", "/usr/bin/bun.exe", true},  {"bun.ex?", "./bun.exe", true},
		{"bun", "/usr/bin/bun/", false},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void pattern_with_slash_is_matched_with_the_whole_path(void **state)
{
	static const struct row rows[] = {
		{"*/bun_worker.ts", "/srv/app/.compozy/bun_worker.ts", true},
		{"*/bun_worker.ts", "bun_worker.ts", false},
		{"/opt/*/bun", "/opt/a/b/bun", true},
		{"/opt/?/bun", "/opt/ab/bun", false},
		{"/opt/[ab]/bun", "/opt/b/bun", true},
		{"/opt/bun", "/opt/bun", true},
		{"/opt/bun", "/srv/opt/bun", false},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

static void leading_dots_and_backslashes_are_ordinary(void **state)
{
	static const struct row rows[] = {
		{"*", "/home/.hidden", true},
		{"a\\*", "a\\b", true},
		{"a\\*", "a*", false},
	};

	(void)state;
	assert_rows(rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_without_slash_is_matched_with_the_base_name),
		cmocka_unit_test(pattern_with_slash_is_matched_with_the_whole_path),
		cmocka_unit_test(leading_dots_and_backslashes_are_ordinary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
