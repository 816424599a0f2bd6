/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "identity/targets.h"
#include "sink/families.h"

/* How often those that are gone are looked for. */
#define LOOK_NS (10 * NS_PER_SECOND)

struct owners {
	struct probe *probe;
	struct targets targets;
	uint64_t looked_ns;
	uint64_t shown; /* the table's changes, as far as the metric shows them */
};

static const struct identity nobody;

int owners_new(struct probe *probe, struct owners **ret)
{
	_cleanup_(owners_free) struct owners *owners = calloc(1, sizeof(*owners));

	if (!owners)
		return -ENOMEM;
	owners->probe = probe;
	int r = targets_init(&owners->targets, probe_map_capacity(probe, PROBE_MAP_CGROUPS));
	if (r == 0)
		*ret = take_ptr(owners);
	return r;
}

void owners_free(struct owners **owner)
{
	struct owners *owners = take_ptr(*owner);

	if (!owners)
		return;
	targets_free(&owners->targets);
	free(owners);
}

/* NULL: nobody knows its names. */
static struct target *target_of(struct owners *owners, const struct cgroup_key *key,
				uint64_t now_ns)
{
	struct target *target = targets_find(&owners->targets, key);
	struct cgroup_names names;

	if (!target && probe_cgroup(owners->probe, key, &names))
		target = targets_add(&owners->targets, key, &names);
	if (target && target->seen_ns < now_ns)
		target->seen_ns = now_ns;
	return target;
}

const struct identity *owners_find(struct owners *owners, const struct run *run, uint64_t now_ns)
{
	const struct cgroup_key key = {run->cgroup_id, run->cgroup_v1_id};
	struct target *target = target_of(owners, &key, now_ns);

	if (!target)
		return &nobody;
	target->server_pid = run->parent_pid;
	return &target->identity;
}

const struct identity *owners_find_server(const struct owners *owners, uint32_t pid,
					  uint64_t cgroup_id)
{
	for (size_t i = 0; i < owners->targets.count; i++) {
		const struct target *target = &owners->targets.items[i];

		if (target->server_pid == pid && target->key.id == cgroup_id)
			return &target->identity;
	}
	return &nobody;
}

bool owners_want_names(const struct owners *owners)
{
	return targets_want_names(&owners->targets);
}

void owners_name(struct owners *owners, const struct pod *pod)
{
	targets_name(&owners->targets, pod);
}

/* ---- those that are gone ---- */

/* A run that was lost, or is no tool's, has left names that nobody has asked for. */
static void see(void *arg, const void *bytes, size_t n)
{
	struct owners *owners = arg;
	struct cgroup_key key;

	if (n != sizeof(key))
		return;
	memcpy(&key, bytes, sizeof(key));
	if (!targets_find(&owners->targets, &key))
		(void)target_of(owners, &key, owners->looked_ns);
}

static bool is_gone(uint32_t pid)
{
	return pid && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

void owners_tick(struct owners *owners, uint64_t now_ns)
{
	struct targets *targets = &owners->targets;

	if (now_ns - owners->looked_ns < LOOK_NS)
		return;
	owners->looked_ns = now_ns;
	int r = probe_walk_cgroups(owners->probe, see, owners);
	if (r < 0)
		log_error("cannot read the names of cgroups: %s", strerror(-r));
	for (size_t i = 0; i < targets->count;) {
		const struct target *target = &targets->items[i];

		if (!target_may_go(target, is_gone(target->server_pid), now_ns)) {
			i++;
			continue;
		}
		probe_forget_cgroup(owners->probe, &target->key);
		targets_remove(targets, i);
	}
}

/* ---- metrics ---- */

static void show(struct registry *registry, const struct identity *identity)
{
	const char *values[] = {identity->container_id, identity->pod_uid, identity->namespace,
				identity->pod, identity->container};

	if (!*identity->container_id && !*identity->pod_uid)
		return;
	struct series *series = registry_series(registry, FAMILY_TARGET_INFO, values);
	if (series)
		series_set(series, 1);
}

void owners_update(struct owners *owners, struct registry *registry)
{
	const struct targets *targets = &owners->targets;

	if (owners->shown == targets->changes)
		return;
	owners->shown = targets->changes;
	registry_clear(registry, FAMILY_TARGET_INFO);
	for (size_t i = 0; i < targets->count; i++)
		show(registry, &targets->items[i].identity);
}
