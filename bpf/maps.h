/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state that all families share. maps.bpf.c defines it; the other objects are linked against it.
 */
#include "bpf/types.h"
#include <bpf/bpf_helpers.h>

#include "include/counters.h"
#include "include/exchange.h"
#include "include/goroutine.h"
#include "include/watch.h"

#ifdef BUNSCOPE_DEFINE_MAPS
#define SHARED
#else
#define SHARED extern
#endif

/*
 * Runs under way. Not preallocated: a node with three tools at once should not hold 16 MiB. A freed
 * record's memory may serve the next run while another cpu still looks at it; that takes a cpu to stand
 * still for the length of an exec between a lookup and its last write.
 */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RUNS_DEFAULT);
	__type(key, struct run_key);
	__type(value, struct run);
} runs SEC(".maps");

/* Who is at the other end: inode of a pipe, or of the far end of a socket pair, to run and stream. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RUNS_DEFAULT *STREAMS_PER_RUN);
	__type(key, struct inode_key);
	__type(value, struct endpoint);
} streams SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RUNS_DEFAULT *WATCHED_PER_RUN);
	__type(key, __u32);
	__type(value, struct watch);
} watched SEC(".maps");

/* Runs that have exited: zombies, until user space sees that somebody waited for them. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, RUNS_DEFAULT);
	__type(key, struct run_key);
	__type(value, __u32);
} unreaped SEC(".maps");

/* What user space found under way; empty but for the moment of adoption. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ADOPTEES_MAX);
	__type(key, __u32);
	__type(value, struct adoptee);
} adoptees SEC(".maps");

/* The cgroups that runs began in, and what they are called, until user space forgets them. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CGROUPS_MAX);
	__type(key, struct cgroup_key);
	__type(value, struct cgroup_names);
} cgroups SEC(".maps");

/* Names on their way there: too big for the stack. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_names);
} cgroup_scratch SEC(".maps");

/* HTTP exchanges under way, by id. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, __u64);
	__type(value, struct exchange);
} exchanges SEC(".maps");

/* Executions that a goroutine was asked for over HTTP and has not answered: the exchange's id, 0 = more than one. */
SHARED struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, CONNECTIONS_MAX);
	__type(key, struct goroutine_key);
	__type(value, __u64);
} handlers SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES_DEFAULT);
} ring SEC(".maps");

SHARED struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_counters);
} counters SEC(".maps");

/*
 * The filter in front of `watched`: number of watched processes by tgid % WATCHED_BUCKETS, and in the upper half how
 * many of them are runs whose stdio is more than pipes and sockets. A process that has nothing to do with us pays one
 * load from an array instead of a hash lookup at each transfer, and so does a run that reads its own files.
 */
#define WATCHED_WITH_FILES (1u << 16)
SHARED __u32 watched_buckets[WATCHED_BUCKETS];

/*
 * The same for door A, which asks about inodes: number of runs' stdio inodes, both ends, by inode number %
 * STREAM_BUCKETS. A pipe or socket that has nothing to do with us pays one load.
 */
SHARED __u32 stream_buckets[STREAM_BUCKETS];
/* Is it asked at all? Set before the programs are loaded. */
SHARED const volatile bool stream_buckets_used;

/*
 * Threads whose call the first of two programs has seen (bpf/turn.h), and which call, by their ids' lower bits: two of
 * one slot would have to meet between the two programs of one call.
 */
#define TURN_SLOTS (1 << 13)
SHARED __u64 turns[TURN_SLOTS];
/* There are second ones. */
SHARED const volatile bool turns_taken;

/* Of the running kernel; set before it is loaded. */
SHARED const volatile __u32 page_bytes;
SHARED const volatile bool has_task_pt_regs;

/*
 * Up to Linux 6.3 the functions behind these helpers return an int, and the verifier calls them
 * directly: read as a long, -EEXIST would be a large number.
 */
static __always_inline int map_insert(void *map, const void *key, const void *value)
{
	return (int)bpf_map_update_elem(map, key, value, BPF_NOEXIST);
}

static __always_inline int map_delete(void *map, const void *key)
{
	return (int)bpf_map_delete_elem(map, key);
}

/* Adds to a counter of this cpu and returns its new value. */
static __always_inline __u64 counter_add(__u64 index, __u64 n)
{
	__u32 zero = 0;
	struct kernel_counters *all = bpf_map_lookup_elem(&counters, &zero);

	if (!all || index >= KERNEL_COUNTERS_COUNT)
		return 0;
	/* An interrupt on this cpu may count too. */
	__sync_fetch_and_add(&all->n[index], n);
	return all->n[index];
}
