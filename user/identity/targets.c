/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "identity/cgroup.h"

int targets_init(struct targets *targets, size_t max)
{
	*targets = (struct targets){.items = calloc(max, sizeof(*targets->items)), .max = max};
	return targets->items ? 0 : -ENOMEM;
}

void targets_free(struct targets *targets)
{
	free(targets->items);
	*targets = (struct targets){};
}

struct target *targets_find(const struct targets *targets, const struct cgroup_key *key)
{
	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = &targets->items[i];

		if (target->key.id == key->id && target->key.v1_id == key->v1_id)
			return target;
	}
	return NULL;
}

struct target *targets_add(struct targets *targets, const struct cgroup_key *key,
			   const struct cgroup_names *names)
{
	if (targets->count == targets->max)
		return NULL;
	struct target *target = &targets->items[targets->count++];
	*target = (struct target){.key = *key};
	cgroup_identify(names, &target->identity);
	targets->changes++;
	return target;
}

bool target_may_go(const struct target *target, bool server_gone, uint64_t now_ns)
{
	uint64_t idle_ns = now_ns > target->seen_ns ? now_ns - target->seen_ns : 0;

	if (!target->server_pid)
		return idle_ns > TARGET_IDLE_MAX_NS;
	return idle_ns > TARGET_IDLE_NS && server_gone;
}

static bool wants_names(const struct identity *identity)
{
	if (!*identity->pod_uid)
		return false;
	return !*identity->pod || (*identity->container_id && !*identity->container);
}

bool targets_want_names(const struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (wants_names(&targets->items[i].identity))
			return true;
	}
	return false;
}

static void identity_name(struct identity *identity, const struct pod *pod)
{
	memcpy(identity->namespace, pod->namespace, sizeof(identity->namespace));
	memcpy(identity->pod, pod->name, sizeof(identity->pod));
	for (size_t i = 0; i < pod->containers_count; i++) {
		const struct pod_container *container = &pod->containers[i];

		if (strcmp(container->id, identity->container_id) == 0)
			memcpy(identity->container, container->name, sizeof(identity->container));
	}
}

void targets_name(struct targets *targets, const struct pod *pod)
{
	for (size_t i = 0; i < targets->count; i++) {
		struct identity *identity = &targets->items[i].identity;

		if (!wants_names(identity) || (strcmp(identity->pod_uid, pod->uid) != 0 &&
					       strcmp(identity->pod_uid, pod->file_uid) != 0))
			continue;
		identity_name(identity, pod);
		targets->changes++;
	}
}

void targets_remove(struct targets *targets, size_t index)
{
	targets->items[index] = targets->items[--targets->count];
	targets->changes++;
}
