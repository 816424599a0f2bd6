/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/pattern.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/glob.h"

struct row {
	const char *glob;
	const char *prefix;
	const char *suffix;
	bool exact;
	bool whole_path;
};

static struct exe_pattern pattern_of(const char *glob)
{
	struct exe_pattern pattern;

	if (pattern_from_glob(glob, &pattern) < 0)
		fail_msg("%s", glob);
	return pattern;
}

static void pattern_keeps_the_literal_ends(void **state)
{
	static const struct row rows[] = {
		{"bun", "bun", "", true, false},
		{"/opt/bun", "/opt/bun", "", true, true},
		{"bun*", "bun", "", false, false},
		{"*bun", "", "bun", false, false},
		{"b*n", "b", "n", false, false},
		{"b?n", "b", "n", false, false},
		{"b*u*n", "b", "n", false, false},
		{"*", "", "", false, false},
		{"??", "", "", false, false},
		{"/opt/*/bun", "/opt/", "/bun", false, true},
		{"*/", "", "/", false, true},
		{"bun[12]", "bun", "", false, false},
		{"[ab]un", "", "", false, false},
		/* The star is in the brackets: what follows it is no literal end. */
		{"b[*]un", "b", "", false, false},
		{"b*[u]n", "b", "", false, false},
		{"b[un", "b", "", false, false},
		{"bun]", "bun]", "", true, false},
		{"b\\*n", "b\\", "n", false, false},
		{"\xc3\xa9*\xc3\xa9", "\xc3\xa9", "\xc3\xa9", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct exe_pattern expected = {
			.prefix_bytes = strlen(row->prefix),
			.suffix_bytes = strlen(row->suffix),
			.exact = row->exact,
			.whole_path = row->whole_path,
		};

		memcpy(expected.prefix, row->prefix, expected.prefix_bytes);
		memcpy(expected.suffix, row->suffix, expected.suffix_bytes);
		struct exe_pattern pattern = pattern_of(row->glob);
		if (memcmp(&pattern, &expected, sizeof(pattern)) != 0)
			fail_msg("%s: %.*s %.*s", row->glob, (int)pattern.prefix_bytes,
				 pattern.prefix, (int)pattern.suffix_bytes, pattern.suffix);
	}
}

/* A literal of n letters with something before and behind it. */
static const char *long_glob(char *room, const char *before, size_t n, const char *behind)
{
	size_t bytes = strlen(before);

	memcpy(room, before, bytes);
	memset(room + bytes, 'a', n);
	strcpy(room + bytes + n, behind);
	return room;
}

static void literal_end_is_bounded(void **state)
{
	static const struct {
		const char *before;
		const char *behind;
	} rows[] = {{"", ""}, {"", "*"}, {"*", ""}, {"?", ""}};
	char glob[EXE_LITERAL_BYTES + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exe_pattern pattern = {.exact = 77};

		(void)long_glob(glob, rows[i].before, EXE_LITERAL_BYTES + 1, rows[i].behind);
		assert_int_equal(pattern_from_glob(glob, &pattern), -E2BIG);
		assert_int_equal(pattern.exact, 77);
		(void)long_glob(glob, rows[i].before, EXE_LITERAL_BYTES, rows[i].behind);
		pattern = pattern_of(glob);
		assert_int_equal(pattern.prefix_bytes + pattern.suffix_bytes, EXE_LITERAL_BYTES);
	}
}

static void middle_may_be_of_any_length(void **state)
{
	char glob[4 * EXE_LITERAL_BYTES];
	struct exe_pattern pattern;

	(void)state;
	pattern = pattern_of(long_glob(glob, "b*", 3 * EXE_LITERAL_BYTES, "?n"));
	assert_int_equal(pattern.prefix_bytes, 1);
	assert_int_equal(pattern.suffix_bytes, 1);
}

static void empty_glob_is_refused(void **state)
{
	struct exe_pattern pattern = {.exact = 77};

	(void)state;
	assert_int_equal(pattern_from_glob("", &pattern), -EINVAL);
	assert_int_equal(pattern.exact, 77);
}

/* As pattern_matches() in bpf/executable.h. */
static bool ends_match(const struct exe_pattern *pattern, const char *text)
{
	size_t n = strlen(text);

	if (n < pattern->prefix_bytes + pattern->suffix_bytes ||
	    (pattern->exact && n != pattern->prefix_bytes))
		return false;
	return memcmp(text, pattern->prefix, pattern->prefix_bytes) == 0 &&
	       memcmp(text + n - pattern->suffix_bytes, pattern->suffix, pattern->suffix_bytes) ==
		       0;
}

static bool filter_passes(const char *glob, const char *path)
{
	struct exe_pattern pattern = pattern_of(glob);
	const char *slash = strrchr(path, '/');

	return ends_match(&pattern, pattern.whole_path || !slash ? path : slash + 1);
}

/* The i-th text over these letters: "", each letter, each pair of them … */
static void text_make(const char *letters, size_t i, char *ret)
{
	size_t n = strlen(letters);

	for (; i > 0; i = (i - 1) / n)
		*ret++ = letters[(i - 1) % n];
	*ret = '\0';
}

#define GLOBS 9331 /* up to five of six letters */
#define PATHS 364  /* up to five of three letters */

static void filter_passes_whatever_the_glob_matches(void **state)
{
	char glob[16], path[16];
	size_t matches = 0;

	(void)state;
	for (size_t i = 1; i < GLOBS; i++) {
		text_make("a/*?[]", i, glob);
		for (size_t j = 0; j < PATHS; j++) {
			text_make("a/[", j, path);
			if (!glob_match_path(glob, path))
				continue;
			matches++;
			if (!filter_passes(glob, path))
				fail_msg("'%s' matches '%s'", glob, path);
		}
	}
	assert_true(matches > 100000);
}

static void filter_passes_bun_by_its_usual_names(void **state)
{
	static const char *const globs[] = {
		"bun",	   "bun*",	    "bun.ex?",	"b[!a]n", "*/bun",
		"/usr/*n", "/usr/*/bin/b*", "*\\bun*",	"[b]un",  "*[/]bun",
		"b*n",	   "bun-[dp]*e*",   "/**/bun*", "?un",	  "[a-z]u[[:alpha:]]",
	};
	static const char *const paths[] = {
		"bun",
		"/usr/local/bin/bun",
		"./bun.exe",
		"bun-profile",
		"../bun-debug",
		"/usr/bin//",
		"a\\bun",
		"/bun",
		"/usr/bin/bun/ban",
		"",
	};
	size_t matches = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(globs); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(paths); j++) {
			bool match = glob_match_path(globs[i], paths[j]);

			matches += match;
			if (match && !filter_passes(globs[i], paths[j]))
				fail_msg("'%s' matches '%s'", globs[i], paths[j]);
		}
	}
	assert_true(matches > ARRAY_SIZE(globs));
}

static void filter_stops_what_no_glob_could_match(void **state)
{
	static const struct {
		const char *glob;
		const char *path;
	} rows[] = {
		{"bun", "/usr/bin/bunx"}, {"bun", "/usr/bin/node"}, {"bun*", "/bun/node"},
		{"*/bun", "bun"},	  {"b*bun", "/bin/bun"},    {"/opt/*/bun", "/usr/bin/bun"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (filter_passes(rows[i].glob, rows[i].path))
			fail_msg("%s %s", rows[i].glob, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_keeps_the_literal_ends),
		cmocka_unit_test(literal_end_is_bounded),
		cmocka_unit_test(middle_may_be_of_any_length),
		cmocka_unit_test(empty_glob_is_refused),
		cmocka_unit_test(filter_passes_whatever_the_glob_matches),
		cmocka_unit_test(filter_passes_bun_by_its_usual_names),
		cmocka_unit_test(filter_stops_what_no_glob_could_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
