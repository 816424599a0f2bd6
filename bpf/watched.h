/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The processes whose transfers are looked at. An entry goes when its process does. */
#include "bpf/maps.h"

static __always_inline __u32 watched_bucket(__u32 tgid)
{
	return watched_buckets[tgid % WATCHED_BUCKETS];
}

static __always_inline struct watch *watched_find(__u32 tgid)
{
	if (!watched_bucket(tgid))
		return NULL;
	return bpf_map_lookup_elem(&watched, &tgid);
}

/*
 * Is this task's process the run that is watched under its pid? A process may be waited for, and its pid used again,
 * before its last thread has left its cpu, and with it the map.
 */
static __always_inline bool watch_is(const struct watch *watch, const struct task_struct *task)
{
	return watch->run_start_ns == task->group_leader->start_time;
}

/* The inode at that address is the stdin, stdout or stderr of the run that it is. */
static __always_inline bool watch_has_stdio(const struct watch *watch, __u64 inode)
{
	return watch->stdio[STDIO_IN] == inode || watch->stdio[STDIO_OUT] == inode ||
	       watch->stdio[STDIO_ERR] == inode;
}

/* Says in its bucket that the run which that process is uses more than pipes and sockets. */
static __always_inline void watched_use_files(struct watch *watch, __u32 tgid)
{
	if (watch->uses_files)
		return;
	watch->uses_files = 1;
	__sync_fetch_and_add(&watched_buckets[tgid % WATCHED_BUCKETS], WATCHED_WITH_FILES);
}

/* Somebody else's entry may be left under a pid that is used again: it is this process's from here on. */
static __always_inline void watched_keep(__u32 tgid)
{
	struct watch *watch = bpf_map_lookup_elem(&watched, &tgid);

	if (watch)
		watch->gone = 0;
}

/* Watches a process; one that is watched already stays as it is. False when the map is full. */
static __always_inline bool watched_add(__u32 tgid)
{
	struct watch watch = {};
	int r = map_insert(&watched, &tgid, &watch);

	if (r == 0)
		__sync_fetch_and_add(&watched_buckets[tgid % WATCHED_BUCKETS], 1);
	else if (r == -EEXIST)
		watched_keep(tgid);
	else
		counter_add(KERNEL_WATCHED_FULL, 1);
	return r == 0 || r == -EEXIST;
}

/* Tells user space of a server at once: it may have to attach to it. Should the ring be full, the run's record tells. */
static __always_inline void server_tell(__u32 tgid)
{
	struct server_seen *seen = bpf_ringbuf_reserve(&ring, sizeof(*seen), 0);

	if (!seen)
		return;
	seen->tgid = tgid;
	seen->pad = 0;
	bpf_ringbuf_submit(seen, BPF_RB_FORCE_WAKEUP);
}

/* Watches a process between a run and its server; `parent`: the one that started it. NULL when the map is full. */
static __always_inline struct watch *watched_add_ancestor(__u32 tgid, bool parent)
{
	struct watch *watch = watched_find(tgid);

	if (!watch && watched_add(tgid))
		watch = watched_find(tgid);
	if (!watch)
		return NULL;
	if (!watch->ancestor && !watch->http)
		watch->unseen_ns = bpf_ktime_get_ns();
	watch->ancestor = 1;
	if (parent && !watch->server) {
		watch->server = 1;
		server_tell(tgid);
	}
	return watch;
}

/* Watches a process whose HTTP exchanges are to be recorded. early: before its first one. */
static __always_inline void watched_add_server(__u32 tgid, bool early)
{
	struct watch *watch = watched_find(tgid);

	if (!watch && watched_add(tgid))
		watch = watched_find(tgid);
	if (!watch || watch->http)
		return;
	if (!watch->ancestor && !early)
		watch->unseen_ns = bpf_ktime_get_ns();
	watch->http = 1;
	server_tell(tgid);
}

static __always_inline void watched_remove(__u32 tgid)
{
	const struct watch *watch = watched_find(tgid);
	__u32 n = 1;

	if (watch && watch->uses_files)
		n += WATCHED_WITH_FILES;
	if (map_delete(&watched, &tgid) == 0)
		__sync_fetch_and_add(&watched_buckets[tgid % WATCHED_BUCKETS], -n);
}
