/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose a run is: the names of its cgroup, read by the kernel side while the run was in it, become a container's id
 * and a pod's uid. Wiring of the probe, the table of user/identity/ and its metric.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "identity/identity.h"
#include "identity/pods.h"
#include "include/run.h"
#include "kernel/probe.h"
#include "metric/metric.h"

struct owners;

/* The probe must outlive it. 0 or -ENOMEM. */
int owners_new(struct probe *probe, struct owners **ret);
void owners_free(struct owners **owner);
/* Of a run, under way or over. Never NULL; nobody's where it is in no container. Valid until the next call. */
const struct identity *owners_find(struct owners *owners, const struct run *run, uint64_t now_ns);
/* Of a server: whose the last run is that it has started, if it is still in that cgroup. The same otherwise. */
const struct identity *owners_find_server(const struct owners *owners, uint32_t pid,
					  uint64_t cgroup_id);
/* Now and then: lets go of those that are gone. */
void owners_tick(struct owners *owners, uint64_t now_ns);
bool owners_want_names(const struct owners *owners);
/* One of the pods of this node: targets_name(). */
void owners_name(struct owners *owners, const struct pod *pod);
/* Sets the metric of those that are there. */
void owners_update(struct owners *owners, struct registry *registry);
