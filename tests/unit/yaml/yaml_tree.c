/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "yaml/yaml_tree.h"

struct refused_row {
	const char *text;
	const char *message;
};

static struct yaml_node *parse(const char *text)
{
	_cleanup_buf_ struct buf message = {};
	struct yaml_node *root = NULL;

	if (yaml_tree_parse(text, strlen(text), &root, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
	assert_int_equal(message.len, 0);
	return root;
}

static void assert_refused(const char *text, const char *expected)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_yaml_ struct yaml_node *root = NULL;

	assert_int_equal(yaml_tree_parse(text, strlen(text), &root, &message), -EINVAL);
	assert_null(root);
	assert_string_equal(buf_cstr(&message), expected);
}

static void keys_values_and_lines(void **state)
{
	_cleanup_yaml_ struct yaml_node *root =
		parse("# first\na: 1\nb:\n  - x\n  - 'null'\nc: {d: }\n");

	(void)state;
	assert_int_equal(root->kind, YAML_MAPPING);
	assert_int_equal(root->count, 3);
	assert_string_equal(yaml_tree_get(root, "a")->text, "1");
	assert_int_equal(yaml_tree_get(root, "a")->line, 2);

	const struct yaml_node *list = yaml_tree_get(root, "b");
	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_int_equal(list->line, 3);
	assert_int_equal(list->children[1].line, 5);
	assert_false(list->children[1].is_null);
	assert_true(yaml_tree_get(yaml_tree_get(root, "c"), "d")->is_null);
	assert_null(yaml_tree_get(root, "e"));
}

static void empty_document_is_an_empty_mapping(void **state)
{
	static const char *const texts[] = {"", "# nothing\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_yaml_ struct yaml_node *root = parse(texts[i]);

		assert_int_equal(root->kind, YAML_MAPPING);
		assert_int_equal(root->count, 0);
	}
}

static void no_bytes_at_all_are_an_empty_mapping(void **state)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_yaml_ struct yaml_node *root = NULL;

	(void)state;
	assert_int_equal(yaml_tree_parse(NULL, 0, &root, &message), 0);
	assert_int_equal(root->count, 0);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct refused_row rows[] = {
		{"a: 1\na: 2\n", "2: a: given twice"},
		{"a: 1\n[b]: 2\n", "2: a key is a word"},
		{"a: 1\n---\nb: 2\n", "2: a second document"},
		{"a: \"x\\0y\"\n", "1: a NUL byte"},
		{"[[[[[[[[[[]]]]]]]]]]", "1: nested too deep"},
		{"a: 1\n b: 2\n", "2: mapping values are not allowed in this context"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(rows[i].text, rows[i].message);
}

/* Each level names the one before ten times: 10^6 nodes in 200 bytes. */
static void aliases_cannot_make_it_grow(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	buf_append_cstr(&text, "a0: &a0 x\n");
	for (int i = 1; i < 7; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			buf_printf(&text, "*a%d%s", i - 1, j < 9 ? ", " : "]\n");
	}
	assert_refused(buf_cstr(&text), "1: more than anybody would configure");
}

static void alias_of_itself_ends(void **state)
{
	(void)state;
	assert_refused("a: &a [*a]\n", "1: nested too deep");
}

static void file_that_is_not_there(void **state)
{
	_cleanup_buf_ struct buf message = {};
	struct yaml_node *root = NULL;

	(void)state;
	assert_int_equal(yaml_tree_read("/nonexistent.yml", &root, &message), -EINVAL);
	assert_string_equal(buf_cstr(&message), "/nonexistent.yml: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_values_and_lines),
		cmocka_unit_test(empty_document_is_an_empty_mapping),
		cmocka_unit_test(no_bytes_at_all_are_an_empty_mapping),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(aliases_cannot_make_it_grow),
		cmocka_unit_test(alias_of_itself_ends),
		cmocka_unit_test(file_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
