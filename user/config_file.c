/* SPDX-License-Identifier: Apache-2.0 */
#include "config_file.h"

#include <errno.h>
#include <string.h>

#include "config_flags.h"
#include "yaml/yaml_tree.h"

/* Of a flag that takes no value: 0 or 1; -EINVAL. */
static int switch_read(const struct yaml_node *value, struct buf *error)
{
	if (strcmp(value->text, "true") == 0)
		return 1;
	if (strcmp(value->text, "false") == 0)
		return 0;
	buf_printf(error, "'%s' is not true or false", value->text);
	return -EINVAL;
}

static int scalar_apply(struct config *config, const struct flag *flag,
			const struct yaml_node *value, struct buf *error)
{
	if (value->kind != YAML_SCALAR || value->is_null) {
		buf_append_cstr(error,
				value->kind == YAML_SCALAR ? "needs a value" : "takes one value");
		return -EINVAL;
	}
	if (flag_takes_value(flag))
		return flag_give(config, flag, value->text, error);

	int on = switch_read(value, error);
	return on > 0 ? flag_give(config, flag, NULL, error) : on;
}

/* ret_wrong: the line of an item that is refused. */
static int value_apply(struct config *config, const struct flag *flag,
		       const struct yaml_node *value, struct buf *error, unsigned *ret_wrong)
{
	int r = 0;

	if (value->kind != YAML_SEQUENCE || !flag->repeats)
		return scalar_apply(config, flag, value, error);
	for (size_t i = 0; i < value->count && r == 0; i++) {
		r = scalar_apply(config, flag, &value->children[i], error);
		*ret_wrong = value->children[i].line;
	}
	return r;
}

static int key_apply(struct config *config, const struct yaml_node *node, struct buf *message)
{
	const struct flag *flag = flag_find(node->key, strlen(node->key));
	_cleanup_buf_ struct buf error = {};
	unsigned line = node->line;

	if (!flag || flag->line_only) {
		buf_printf(message, "bunscope: %s:%u: %s: %s", config->config_file, line, node->key,
			   flag ? "only on the command line" : "unknown key");
		return -EINVAL;
	}
	if (flag_was_given(config, flag))
		return 0;

	int r = value_apply(config, flag, node, &error, &line);
	if (r == -EINVAL)
		buf_printf(message, "bunscope: %s:%u: %s: %s", config->config_file, line, node->key,
			   buf_cstr(&error));
	return r;
}

int config_file_apply(struct config *config, struct buf *message)
{
	_cleanup_yaml_ struct yaml_node *root = NULL;
	_cleanup_buf_ struct buf error = {};
	int r = yaml_tree_read(config->config_file, &root, &error);

	if (r == 0 && root->kind != YAML_MAPPING) {
		buf_printf(&error, "%s:%u: not a mapping of keys", config->config_file, root->line);
		r = -EINVAL;
	}
	if (r == -EINVAL)
		buf_printf(message, "bunscope: %s", buf_cstr(&error));
	for (size_t i = 0; r == 0 && i < root->count; i++)
		r = key_apply(config, &root->children[i], message);
	return r;
}
