/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/tools.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const thread_state_names[] = {"cpu", "runqueue", "wait"};
static const char *const no_names[] = {NULL};

struct place {
	enum family_index family;
	unsigned first;
	const char *const *values;
};

#define X(name, values, count)                                                                     \
	[TOOL_##name... TOOL_##name##_LAST] = {FAMILY_TOOL_##name, TOOL_##name, values},
static const struct place places[TOOL_SERIES_COUNT] = {TOOL_FAMILIES(X)};
#undef X

void tools_free(struct tools *tools)
{
	for (size_t i = 0; i < tools->by_key.capacity; i++)
		free(tools->by_key.slots[i].item);
	table_free(&tools->by_key);
}

struct series *tool_series(struct tools *tools, struct tool *tool, unsigned place)
{
	const struct place *found = &places[place];
	const char *values[METRIC_LABELS_MAX] = {tool->key.label,
						 found->values[place - found->first]};
	size_t n = values[1] ? 2 : 1;

	if (tool->series[place])
		return tool->series[place];
	(void)owner_set_values(tools->owners, (uint32_t)tool->key.owner, values + n);
	tool->series[place] = registry_series(tools->registry, found->family, values);
	return tool->series[place];
}

static struct tool *add_tool(struct tools *tools, const struct tool_key *key)
{
	_cleanup_free_ struct tool *tool = calloc(1, sizeof(*tool));

	if (!tool)
		return NULL;
	tool->key = *key;
	if (table_put(&tools->by_key, &tool->key, sizeof(tool->key), tool) < 0)
		return NULL;
	for (unsigned place = 0; place <= TOOL_IN_FLIGHT_LAST; place++)
		(void)tool_series(tools, tool, place);
	return take_ptr(tool);
}

struct tool *tools_find(struct tools *tools, const char *label, uint32_t owner)
{
	struct tool_key key = {label, owner};
	struct tool *tool = table_get(&tools->by_key, &key, sizeof(key));

	if (tool)
		return tool;
	if (owner > OWNER_OTHER && tools->by_key.count >= tools->max) {
		tools->owners->overflows++;
		return tools_find(tools, label, OWNER_OTHER);
	}
	return add_tool(tools, &key);
}
