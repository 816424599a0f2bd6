/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/file.h"

/* What stays the same from the root of a document to its leaves. */
struct reader {
	yaml_document_t *document;
	size_t nodes; /* made so far: an alias may repeat what it stands for */
	struct buf *message;
};

static void cleanup_document(yaml_document_t *document)
{
	yaml_document_delete(document);
}

static int refuse(struct reader *reader, const yaml_node_t *from, const char *what)
{
	buf_printf(reader->message, "%zu: %s", from->start_mark.line + 1, what);
	return -EINVAL;
}

static int node_read(struct reader *reader, int index, unsigned depth, struct yaml_node *ret);

static int scalar_read(struct reader *reader, const yaml_node_t *from, struct yaml_node *ret)
{
	const char *text = (const char *)from->data.scalar.value;

	if (memchr(text, '\0', from->data.scalar.length))
		return refuse(reader, from, "a NUL byte");
	ret->text = strdup(text);
	if (!ret->text)
		return -ENOMEM;
	ret->is_null = from->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		       (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
	return 0;
}

static int children_make(struct yaml_node *node, enum yaml_kind kind, size_t count)
{
	node->kind = kind;
	node->children = calloc(count + 1, sizeof(*node->children));
	return node->children ? 0 : -ENOMEM;
}

static int sequence_read(struct reader *reader, const yaml_node_t *from, unsigned depth,
			 struct yaml_node *ret)
{
	const yaml_node_item_t *items = from->data.sequence.items.start;
	size_t count = (size_t)(from->data.sequence.items.top - items);
	int r = children_make(ret, YAML_SEQUENCE, count);

	for (size_t i = 0; i < count && r == 0; i++) {
		ret->count++;
		r = node_read(reader, items[i], depth + 1, &ret->children[i]);
	}
	return r;
}

static int key_read(struct reader *reader, const yaml_node_t *from, const struct yaml_node *parent,
		    char **ret)
{
	const char *key = (const char *)from->data.scalar.value;

	if (from->type != YAML_SCALAR_NODE || !*key || memchr(key, '\0', from->data.scalar.length))
		return refuse(reader, from, "a key is a word");
	if (yaml_tree_get(parent, key)) {
		buf_printf(reader->message, "%zu: %s: given twice", from->start_mark.line + 1, key);
		return -EINVAL;
	}
	*ret = strdup(key);
	return *ret ? 0 : -ENOMEM;
}

static int mapping_read(struct reader *reader, const yaml_node_t *from, unsigned depth,
			struct yaml_node *ret)
{
	const yaml_node_pair_t *pairs = from->data.mapping.pairs.start;
	size_t count = (size_t)(from->data.mapping.pairs.top - pairs);
	int r = children_make(ret, YAML_MAPPING, count);

	for (size_t i = 0; i < count && r == 0; i++) {
		const yaml_node_t *key = yaml_document_get_node(reader->document, pairs[i].key);
		struct yaml_node *child = &ret->children[i];
		_cleanup_free_ char *name = NULL;

		r = key_read(reader, key, ret, &name);
		if (r < 0)
			break;
		ret->count++;
		r = node_read(reader, pairs[i].value, depth + 1, child);
		child->key = take_ptr(name);
		child->line = (unsigned)key->start_mark.line + 1;
	}
	return r;
}

static int node_read(struct reader *reader, int index, unsigned depth, struct yaml_node *ret)
{
	const yaml_node_t *from = yaml_document_get_node(reader->document, index);

	ret->line = (unsigned)from->start_mark.line + 1;
	if (depth > YAML_DEPTH_MAX)
		return refuse(reader, from, "nested too deep");
	if (++reader->nodes > YAML_NODES_MAX)
		return refuse(reader, from, "more than anybody would configure");
	switch (from->type) {
	case YAML_SEQUENCE_NODE:
		return sequence_read(reader, from, depth, ret);
	case YAML_MAPPING_NODE:
		return mapping_read(reader, from, depth, ret);
	default:
		return scalar_read(reader, from, ret);
	}
}

static int root_read(struct reader *reader, struct yaml_node *ret)
{
	const yaml_node_t *root = yaml_document_get_root_node(reader->document);

	if (!root)
		return children_make(ret, YAML_MAPPING, 0);
	return node_read(reader, 1, 0, ret);
}

static int parser_refuse(const yaml_parser_t *parser, struct buf *message)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	/* The reader's errors have no mark: it stands where it had got to. */
	size_t line = parser->problem_mark.line ? parser->problem_mark.line : parser->mark.line;
	buf_printf(message, "%zu: %s", line + 1, parser->problem ? parser->problem : "not YAML");
	return -EINVAL;
}

static int only_document(yaml_parser_t *parser, struct buf *message)
{
	_cleanup_(cleanup_document) yaml_document_t second = {};

	if (!yaml_parser_load(parser, &second))
		return parser_refuse(parser, message);
	if (!yaml_document_get_root_node(&second))
		return 0;
	buf_printf(message, "%zu: a second document", second.start_mark.line + 1);
	return -EINVAL;
}

static int parse(yaml_parser_t *parser, struct yaml_node *ret, struct buf *message)
{
	_cleanup_(cleanup_document) yaml_document_t document = {};
	struct reader reader = {.document = &document, .message = message};

	if (!yaml_parser_load(parser, &document))
		return parser_refuse(parser, message);

	int r = root_read(&reader, ret);
	/* A parser at the end of its stream must not be asked again. */
	if (r == 0 && yaml_document_get_root_node(&document))
		r = only_document(parser, message);
	return r;
}

int yaml_tree_parse(const char *text, size_t n, struct yaml_node **ret, struct buf *message)
{
	_cleanup_(yaml_parser_delete) yaml_parser_t parser = {};
	_cleanup_yaml_ struct yaml_node *root = calloc(1, sizeof(*root));

	if (!root || !yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	/* An empty buffer has no memory, and libyaml aborts without any. */
	yaml_parser_set_input_string(&parser, (const unsigned char *)(n ? text : ""), n);

	int r = parse(&parser, root, message);
	if (r < 0)
		return r;
	*ret = take_ptr(root);
	return 0;
}

int yaml_tree_read(const char *path, struct yaml_node **ret, struct buf *message)
{
	_cleanup_buf_ struct buf text = {};
	int r = file_read(path, YAML_FILE_BYTES, &text);

	buf_printf(message, "%s:", path);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		buf_printf(message, " %s", file_problem(r));
		return -EINVAL;
	}
	r = yaml_tree_parse(text.data, text.len, ret, message);
	if (r == 0)
		buf_clear(message);
	return r;
}

static void node_clear(struct yaml_node *node)
{
	for (size_t i = 0; i < node->count; i++)
		node_clear(&node->children[i]);
	free(node->children);
	free(node->key);
	free(node->text);
}

void yaml_tree_free(struct yaml_node **root)
{
	if (!*root)
		return;
	node_clear(*root);
	free(*root);
	*root = NULL;
}

const struct yaml_node *yaml_tree_get(const struct yaml_node *mapping, const char *key)
{
	for (size_t i = 0; i < mapping->count; i++) {
		if (mapping->children[i].key && strcmp(mapping->children[i].key, key) == 0)
			return &mapping->children[i];
	}
	return NULL;
}
