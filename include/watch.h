/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The other maps' values, and the exec filter's patterns. Needs __u32 and __u64 from its includer.
 */
#include "include/run.h"

/* A process whose transfers are looked at, by tgid: a Bun process, or one that may hold other ends of its stdio. */
struct watch {
	__u64 run_start_ns; /* start_ns of the run that this process is; 0 = it is none */
	/* Inode addresses of that run's stdin, stdout, stderr: most transfers are of something else. */
	__u64 stdio[STDIO_COUNT];
	/* Its run could not be recorded: 1 + the cause's enum kernel_counter, counted at exec. */
	__u32 lost;
	__u32 ancestor; /* 1 = it may hold the other ends of a run's stdio */
	__u32 server;	/* 1 = it has started a run itself */
	__u32 http; /* 1 = its TCP connections are looked at, whether or not it has started a run */
	__u32 uses_files; /* 1 = the run's stdio is more than pipes and sockets */
	__u32 go; /* 1 = it executes a Go program, as user space read: registers hold goroutines */
	/* Executions that it was asked for over HTTP and has not answered: how many, and the sum of their ids. */
	__u64 executions;
	__u64 executions_sum;
	/* Others may go on since then: it accepted one that goes on behind its answer (202), or had not been followed. */
	__u64 unseen_ns;
	__u32 gone; /* 1 = user space found no such process, once */
	__u32 pad;
};

/* Crosses the ring when a process is seen to be a server. */
struct server_seen {
	__u32 tgid;
	__u32 pad;
};

/* What a transfer by the other end of an inode means. */
struct endpoint {
	struct run_key run;
	__u32 written; /* 1 + stdio_index that a write feeds; 0 = none */
	__u32 read;    /* 1 + stdio_index that a read drains; 0 = none */
};

/*
 * A glob's literal ends. The kernel side lets through what starts with prefix and ends with suffix, a
 * superset of what the glob matches; user space applies the whole glob. Without wildcard: exact, all in prefix.
 */
struct exe_pattern {
	char prefix[EXE_LITERAL_BYTES];
	char suffix[EXE_LITERAL_BYTES];
	__u32 prefix_bytes;
	__u32 suffix_bytes;
	__u32 exact;
	__u32 whole_path; /* compare with the path given to exec, else with base names */
};

/*
 * The literal ends of the request lines of a route, from its method to the end of its path, as words in the memory's
 * order: the first ones from the left, the last ones from the right. A mask says which bytes of a word count.
 * The kernel side lets through a superset of the route; user space applies the whole pattern.
 */
struct route_filter {
	__u64 prefix[ROUTE_WORDS];
	__u64 prefix_mask[ROUTE_WORDS];
	__u64 suffix[ROUTE_WORDS];
	__u64 suffix_mask[ROUTE_WORDS];
	__u32 prefix_bytes;
	__u32 suffix_bytes;
	__u32 executes; /* 1 = it starts an execution */
	__u32 pad;
};

/* The names of an executed file. */
struct executable {
	char path[PATH_BYTES]; /* as given to exec; for a script, its interpreter's */
	char name[NAME_BYTES]; /* of the file itself, symbolic links resolved */
	__u32 path_bytes;
	__u32 name_bytes;
	__u32 base; /* offset in path behind its last slash */
	__u32 pad;
};

/* A process that executes Bun already, as user space found it in /proc: to be adopted. By tgid. */
struct adoptee {
	struct executable executable;
	__u8 args[ARGS_BYTES];
	__u32 args_bytes;
	__u32 args_truncated;
};

/* Where a process is among the cgroups. An id is never used again while the system runs. */
struct cgroup_key {
	__u64 id;    /* of cgroup v2 */
	__u64 v1_id; /* of a hierarchy of v1, 0 = none */
};

/* The names of a cgroup and of those above it, the process' own first; "" behind the last one. Hostile. */
struct cgroup_path {
	char names[CGROUP_LEVELS][CGROUP_NAME_BYTES];
};

struct cgroup_names {
	struct cgroup_path v2;
	struct cgroup_path v1;
};

/* What is left of a stream whose run is gone; the bits that run_streams_state returns, shifted by 4 * stdio_index. */
enum stream_state {
	STREAM_HAS_WRITER = 1u << 0,
	STREAM_HAS_READER = 1u << 1,
	STREAM_HAS_BYTES = 1u << 2, /* written and not read */
};
#define STREAM_STATE_BITS 4
