/* SPDX-License-Identifier: Apache-2.0 */
#include "run/version.h"

#include <string.h>

bool version_is(const struct run *run)
{
	static const char option[] = "--version"; /* with its NUL, as the arguments have it */
	const uint8_t *first_end = memchr(run->args, '\0', run->args_bytes);

	if (!first_end)
		return false;
	size_t rest = run->args_bytes - (size_t)(first_end + 1 - run->args);
	return rest == sizeof(option) && memcmp(first_end + 1, option, sizeof(option)) == 0;
}

void versions_add(struct versions *versions, const struct run *run)
{
	versions->slots[versions->next++ % VERSIONS_MAX] = (struct version){
		.parent_pid = run->parent_pid,
		.parent_start_ns = run->parent_start_ns,
		.start_ns = run->key.start_ns,
		.end_ns = run->exit_ns,
	};
}

static bool belongs(const struct version *version, const struct run *run)
{
	return version->end_ns && version->parent_pid == run->parent_pid &&
	       version->parent_start_ns == run->parent_start_ns &&
	       version->end_ns <= run->key.start_ns &&
	       run->key.start_ns - version->end_ns <= VERSION_GAP_NS;
}

uint64_t versions_take(struct versions *versions, const struct run *run)
{
	struct version *last = NULL;

	for (size_t i = 0; i < VERSIONS_MAX && i < versions->next; i++) {
		struct version *version = &versions->slots[i];

		if (belongs(version, run) && (!last || version->end_ns > last->end_ns))
			last = version;
	}
	if (!last)
		return 0;
	last->end_ns = 0;
	return last->start_ns;
}
