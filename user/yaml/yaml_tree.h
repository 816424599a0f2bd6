/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A YAML document as a tree that knows its lines, for configuration files: one document, mappings whose keys are
 * words, each at most once. Bounded in depth and size, so that no file can make the agent grow.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define YAML_FILE_BYTES ((size_t)1 << 20) /* a longer configuration is none */
#define YAML_DEPTH_MAX 8
#define YAML_NODES_MAX 4096

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line;		    /* from 1; of a mapping's value: its key's */
	char *key;		    /* in a mapping; else NULL */
	char *text;		    /* of a scalar; else NULL */
	bool is_null;		    /* nothing, ~ or null, without quotes */
	struct yaml_node *children; /* of the others, in the file's order */
	size_t count;
};

#define _cleanup_yaml_ __attribute__((cleanup(yaml_tree_free)))

/*
 * An empty document is an empty mapping. 0; -EINVAL with `LINE: what is wrong` in message; -ENOMEM.
 */
int yaml_tree_parse(const char *text, size_t n, struct yaml_node **ret, struct buf *message);
/* The same of a file; the message begins with its name. -EINVAL also when it cannot be read. */
int yaml_tree_read(const char *path, struct yaml_node **ret, struct buf *message);
void yaml_tree_free(struct yaml_node **root);
/* A mapping's value; NULL when the key is not there. */
const struct yaml_node *yaml_tree_get(const struct yaml_node *mapping, const char *key);
