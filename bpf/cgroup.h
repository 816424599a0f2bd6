/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where a run is among the cgroups, and what they are called: a container's id, a pod's. Names are read once a cgroup,
 * while the run is in it, so that one that is gone a moment later is known all the same.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

static __always_inline struct cgroup *controller_cgroup(struct task_struct *task, __u32 controller)
{
	return task->cgroups->subsys[controller]->cgroup;
}

/* In a hierarchy of its own, and not at its root. */
static __always_inline bool cgroup_is_v1(struct cgroup *cgroup, struct cgroup *v2)
{
	return cgroup && cgroup->root != v2->root && cgroup->self.parent;
}

/* By the controllers that every container's runtime uses. NULL where they are in v2, or the process in none. */
static __always_inline struct cgroup *cgroup_v1(struct task_struct *task, struct cgroup *v2)
{
	struct cgroup *cgroup;

	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		cgroup = controller_cgroup(
			task, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
		if (cgroup_is_v1(cgroup, v2))
			return cgroup;
	}
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		cgroup = controller_cgroup(
			task, bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id));
		if (cgroup_is_v1(cgroup, v2))
			return cgroup;
	}
	return NULL;
}

/* From the cgroup up to its hierarchy's root, which has no name. */
static __always_inline void cgroup_path_read(struct cgroup_path *path, struct cgroup *cgroup)
{
	struct cgroup_subsys_state *parent;

	for (__u64 i = 0; i < CGROUP_LEVELS; i++) {
		path->names[i][0] = 0;
		parent = BPF_CORE_READ(cgroup, self.parent);
		if (!parent)
			continue;
		bpf_probe_read_kernel_str(path->names[i], CGROUP_NAME_BYTES,
					  BPF_CORE_READ(cgroup, kn, name));
		cgroup = BPF_CORE_READ(parent, cgroup);
	}
}

static __always_inline void cgroup_remember(const struct cgroup_key *key, struct cgroup *v2,
					    struct cgroup *v1)
{
	__u32 zero = 0;
	struct cgroup_names *names = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	int r;

	if (!names)
		return;
	cgroup_path_read(&names->v2, v2);
	cgroup_path_read(&names->v1, v1);
	r = map_insert(&cgroups, key, names);
	if (r < 0 && r != -EEXIST)
		counter_add(KERNEL_CGROUPS_FULL, 1);
}

static __always_inline void run_read_cgroup(struct run *run, struct task_struct *task)
{
	struct cgroup *v2 = task->cgroups->dfl_cgrp;
	struct cgroup *v1 = cgroup_v1(task, v2);
	struct cgroup_key key = {.id = v2->kn->id};

	if (v1)
		key.v1_id = v1->kn->id;
	run->cgroup_id = key.id;
	run->cgroup_v1_id = key.v1_id;
	if (!bpf_map_lookup_elem(&cgroups, &key))
		cgroup_remember(&key, v2, v1);
}
