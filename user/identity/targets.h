/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The cgroups that runs were seen in, and whose they are: a table of their own size, nothing in it is evicted by
 * another. Pure: whoever calls has the names and the clock.
 */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/identity.h"
#include "identity/pods.h"
#include "include/watch.h"

/* One of which no run was seen for so long goes, if its server is gone: a scrape has seen it by then. */
#define TARGET_IDLE_NS (60 * 1000000000ull)
/* One whose server is not known: it goes then. */
#define TARGET_IDLE_MAX_NS (3600 * 1000000000ull)

struct target {
	struct cgroup_key key;
	struct identity identity;
	uint64_t seen_ns;    /* a run of it, under way or over */
	uint32_t server_pid; /* that started the last one; 0 = not known */
};

struct targets {
	struct target *items; /* owned */
	size_t count;
	size_t max;
	uint64_t changes; /* so far: of who is in it, or of what they are called */
};

/* 0 or -ENOMEM. */
int targets_init(struct targets *targets, size_t max);
void targets_free(struct targets *targets);
/* Until the next call that is not const. NULL: it is not in the table. */
struct target *targets_find(const struct targets *targets, const struct cgroup_key *key);
/* One that is not in it yet. NULL: the table is full. */
struct target *targets_add(struct targets *targets, const struct cgroup_key *key,
			   const struct cgroup_names *names);
bool target_may_go(const struct target *target, bool server_gone, uint64_t now_ns);
/* Whether one of a pod lacks the pod's or the container's name. */
bool targets_want_names(const struct targets *targets);
/* Those of this pod are called so from now on. */
void targets_name(struct targets *targets, const struct pod *pod);
/* Another takes its place: go on with the same index. */
void targets_remove(struct targets *targets, size_t index);
