/* SPDX-License-Identifier: Apache-2.0 */
#include "go/functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "go/builder.h"

#define GO_118 0xfffffff0u
#define GO_120 0xfffffff1u

static const char *const names[] = {"a/b.(*T).Get", "main.main", "main.none"};

static int find_in(const uint8_t *bytes, size_t n, struct go_function *ret)
{
	struct memory memory = {bytes, n};
	struct go_source source = {memory_read, &memory};

	return go_functions_find(&source, names, ARRAY_SIZE(names), ret);
}

static int find(struct build *build, struct go_function *ret)
{
	build->names = names;
	build->count = 2;
	build_make(build);
	return find_in(build->bytes, build->n, ret);
}

/* Function i of the two, behind the fillers. */
static void assert_function(const struct build *build, const struct go_function *function, size_t i)
{
	uint64_t entry = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) +
			 (build->fillers + i) * BUILD_FUNCTION_BYTES;

	assert_true(function->found);
	assert_int_equal(function->entry, entry);
	assert_int_equal(function->body, entry + BUILD_BODY);
	assert_int_equal(function->returns.count, 2);
	assert_int_equal(function->returns.offsets[0], BUILD_RETURN_1);
	assert_int_equal(function->returns.offsets[1], BUILD_RETURN_2);
}

static void functions_of_every_format_are_found(void **state)
{
	struct build builds[] = {
		{.magic = GO_118, .header_text = BUILD_TEXT},
		{.magic = GO_120, .header_text = BUILD_TEXT},
		{.magic = GO_120, .module_text = BUILD_TEXT},
		{.magic = GO_120},
		{.magic = GO_120, .header_text = 1, .module_text = 2},
		{.magic = GO_120, .table_name = ".data.rel.ro.gopclntab"},
		{.magic = GO_118, .table_name = ".data.rel.ro"},
		{.magic = GO_120, .fillers = 6000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(builds); i++) {
		struct go_function found[3];

		print_message("build %zu\n", i);
		assert_int_equal(find(&builds[i], found), 0);
		assert_function(&builds[i], &found[0], 0);
		assert_function(&builds[i], &found[1], 1);
		assert_false(found[2].found);
	}
}

static void name_of_an_inlined_function_is_none(void **state)
{
	struct build build = {.magic = GO_120, .inlined = "main.none"};
	struct go_function found[3];

	(void)state;
	assert_int_equal(find(&build, found), 0);
	assert_false(found[2].found);
}

static void other_files_are_refused(void **state)
{
	struct build unknown = {.magic = 0xfffffffau};
	struct build no_table = {.magic = GO_120, .table_name = ".shstrtab"};
	struct go_function found[3];

	(void)state;
	assert_int_equal(find_in((const uint8_t *)"#!/bin/sh\nexit 0\n", 17, found), -ENODATA);
	assert_int_equal(find(&unknown, found), -EPROTONOSUPPORT);
	assert_int_equal(find(&no_table, found), -ENOENT);
	build_make(&no_table);
	no_table.bytes[EI_CLASS] = ELFCLASS32;
	assert_int_equal(find_in(no_table.bytes, no_table.n, found), -ENOEXEC);
}

/* Nothing may be attached where the table and the code do not fit together. */
static void code_elsewhere_than_the_table_says_is_refused(void **state)
{
	struct build build = {.magic = GO_120, .fillers = 100};
	struct go_function found[3];

	(void)state;
	(void)find(&build, found);
	memset(build.bytes + sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr), 0x90,
	       102ul * BUILD_FUNCTION_BYTES);
	assert_int_equal(find_in(build.bytes, build.n, found), -EADDRNOTAVAIL);
}

/* Its neighbours are as expected, it is not. */
static void one_strange_function_is_passed_over(void **state)
{
	struct build build = {.magic = GO_120, .fillers = 100};
	struct go_function found[3];

	(void)state;
	(void)find(&build, found);
	build.bytes[found[0].entry] = 0x90;
	build.bytes[found[1].entry + BUILD_BODY] = 0x06; /* no instruction of x86-64 */
	assert_int_equal(find_in(build.bytes, build.n, found), 0);
	assert_false(found[0].found);
	assert_false(found[1].found);
}

static void broken_tables_are_refused(void **state)
{
	static const struct {
		size_t at; /* in the table's header */
		uint64_t value;
	} cases[] = {
		{8, UINT64_MAX},      {8, 1u << 30}, /* functions */
		{32, UINT64_MAX},		     /* names */
		{40, UINT64_MAX},     {40, 0},	     /* their end */
		{64, UINT64_MAX - 7}, {64, 1u << 20} /* table of functions */
	};
	struct go_function found[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct build build = {.magic = GO_120};

		(void)find(&build, found);
		memcpy(build.bytes + build.table + cases[i].at, &cases[i].value, sizeof(uint64_t));
		assert_int_equal(find_in(build.bytes, build.n, found), -EBADMSG);
	}
}

/* Cut anywhere, it is refused, or what is found is the same. */
static void cut_files_are_refused(void **state)
{
	struct build build = {.magic = GO_120, .header_text = BUILD_TEXT};
	struct go_function found[3];

	(void)state;
	(void)find(&build, found);
	for (size_t n = 0; n < build.n; n++)
		assert_true(find_in(build.bytes, n, found) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_every_format_are_found),
		cmocka_unit_test(name_of_an_inlined_function_is_none),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(code_elsewhere_than_the_table_says_is_refused),
		cmocka_unit_test(one_strange_function_is_passed_over),
		cmocka_unit_test(broken_tables_are_refused),
		cmocka_unit_test(cut_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
