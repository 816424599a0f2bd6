/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A run, as the kernel side assembles it and as it crosses the ring: one record from fork to the end.
 * Needs __u32, __u64 and __s32 from its includer (bpf/types.h or <linux/types.h>), and limits.h.
 * All times are CLOCK_MONOTONIC nanoseconds, 0 = did not happen. All bytes captured from processes are hostile.
 */
#include "include/limits.h"

enum stdio_index {
	STDIO_IN = 0,
	STDIO_OUT = 1,
	STDIO_ERR = 2,
	STDIO_COUNT = 3,
};

/* What fd 0, 1 or 2 was at exec. */
enum stdio_kind {
	STDIO_KIND_NONE = 0,  /* closed */
	STDIO_KIND_PIPE = 1,  /* anonymous pipe or FIFO */
	STDIO_KIND_UNIX = 2,  /* AF_UNIX socket */
	STDIO_KIND_FILE = 3,  /* regular file, memfd */
	STDIO_KIND_OTHER = 4, /* terminal, /dev/null, other sockets */
};

/*
 * Facts of exec and exit, set by the process itself. What other cpus may set at the same time has a field
 * of its own: two plain writes to one word could lose a bit.
 */
enum run_flag {
	/* Was under way when the agent started: what came before was not seen. */
	RUN_ADOPTED = 1u << 0,
	/* Exec succeeded: args and cgroup_id are valid. */
	RUN_CONFIRMED = 1u << 1,
	/* The command line was longer than ARGS_BYTES. */
	RUN_ARGS_TRUNCATED = 1u << 2,
	/* This kernel does not account time on the run queue. */
	RUN_NO_RUNQUEUE = 1u << 3,
	/* max_rss_bytes is an upper bound: it may be the forking process's. */
	RUN_RSS_INHERITED = 1u << 4,
	/* Exec could not fail any more, and the parent took it for done: without this and CONFIRMED, it failed. */
	RUN_COMMITTED = 1u << 5,
	/* A server's child that ended before it executed anything, and said so by its status. */
	RUN_GAVE_UP = 1u << 6,
};

enum stream_flag {
	/* Others use the same inode (another run, or the parent itself): only the run's own side counts. */
	STREAM_SHARED = 1u << 0,
	/* Bytes were in the pipe before the run was known: the other side's payload has a gap. */
	STREAM_EARLY = 1u << 1,
	/* Set in user space: bytes that the run wrote were still unread a second after its exit. */
	STREAM_UNREAD = 1u << 2,
	/* Its other end leads to the run, and to no other. */
	STREAM_REGISTERED = 1u << 3,
};

/* How it is known which HTTP exchange caused the run. */
enum exchange_link {
	EXCHANGE_LINK_NONE = 0, /* it is not */
	EXCHANGE_LINK_ONLY = 1, /* the only execution that the server had in hand when it forked */
	EXCHANGE_LINK_GOROUTINE = 2, /* the goroutine that forked had read the request */
};

/* Unique for the life of a system: a pid, and when the process with it was forked. */
struct run_key {
	__u64 start_ns;
	__u32 tgid;
	__u32 pad;
};

/* An inode: its address is unique while it lives, its number when the address is used again. */
struct inode_key {
	__u64 address;
	__u64 number;
};

/* One side of one stream: what the run itself, or the process at the other end, moved through it. */
struct flow {
	__u64 bytes;
	__u64 first_ns; /* first transfer of at least a byte */
	__u64 last_ns;	/* last transfer of at least a byte */
	__u64 eof_ns;	/* a read returned 0 */
	__s32 error;	/* last failure, as -errno; EAGAIN and EINTR are none */
	__u32 pid;	/* tgid of the last process that moved bytes, met EOF or an error */
};

struct stream {
	struct inode_key key; /* the run's own end */
	struct inode_key
		peer_key; /* a socket pair's other end; zero for a pipe, whose ends share one inode */
	__u32 kind;
	__u32 flags;
	struct flow self; /* the run's transfers: reads of fd 0, writes of fd 1 and 2 */
	struct flow peer; /* everybody else's: writes of the request, reads of the output */
};

/* Two ends of a payload. The tail is a ring: the byte at stream offset n is at tail[n % sizeof(tail)]. */
struct request_text {
	__u8 head[REQUEST_HEAD_BYTES];
	__u8 tail[REQUEST_TAIL_BYTES];
};

struct reply_text {
	__u8 head[REPLY_HEAD_BYTES];
	__u8 tail[REPLY_TAIL_BYTES];
};

/* A signal that was sent to the run, and by whom. */
struct sent_signal {
	__u64 ns;
	__u32 number; /* 0 = none */
	__u32 pid;    /* tgid of the sender; 0 = the kernel */
	__s32 code;   /* siginfo's si_code */
	__u32 pad;
};

struct run {
	struct run_key key;
	__u64 ordinal;	  /* n-th run begun on that cpu, from 1 */
	__u32 cpu;	  /* where it began */
	__u32 flags;	  /* enum run_flag */
	__u32 parent_pid; /* tgid of the parent at exec */
	__u32 args_bytes; /* valid bytes of args */
	__u64 parent_start_ns;
	__u64 cgroup_id; /* cgroup v2 id at exec */
	__u64 cgroup_v1_id; /* where its controllers are in hierarchies of v1: there; 0 = they are not */
	__u64 exec_ns; /* when it was about to execute Bun; of an adopted run, when it was adopted */
	__s32 exec_error;   /* -errno of an exec that failed, and nothing else was executed since */
	__u32 major_faults; /* pages that its threads waited for from a disk */
	__u64 exit_ns; /* the last thread began to exit; exit_code and rss are valid from here on */
	__u64 gone_ns; /* the last thread left its cpu for good; cpu and main are valid from here on */
	__u64 oom_ns;	 /* the OOM killer picked it */
	__s32 exit_code; /* wait status: signal = & 0x7f, core dump = & 0x80, status = >> 8 & 0xff */
	__s32 exiting;	 /* threads between the two */
	__u32 faults;	 /* pieces of its memory that could not be read: a payload has gaps */
	__u32 over;	 /* 1 = finished, but the ring could not take it: waits for the sweep */
	__u64 cpu_ns;	 /* user + system of all threads */
	__u64 main_cpu_ns; /* of the thread group's leader */
	__u64 main_runqueue_ns;
	__u64 main_exit_ns;	/* the leader left its cpu for good */
	__u64 rss_before_bytes; /* high-water mark that the exec'ed process inherited */
	__u64 max_rss_bytes;
	__u64 goroutine;     /* Go: address of the one that forked, 0 = not known */
	__u64 exchange_id;   /* struct exchange's, 0 = not known */
	__u32 exchange_link; /* enum exchange_link */
	__u32 pad_exchange;
	__u32 ancestors[ANCESTORS_MAX]; /* parent first; 0 = none */
	struct sent_signal kill;	/* last SIGKILL */
	struct sent_signal other;	/* last other that can end it */
	struct stream stdio[STDIO_COUNT];
	/*
	 * A write takes what fits into the pipe, but its buffer holds more: up to which offset in the request the
	 * last write wanted to get, and the last bytes before that where it did not get there.
	 */
	__u64 request_offered_bytes;
	__u8 request_offered_tail[REQUEST_TAIL_BYTES];
	/*
	 * The verifier knows a masked offset and a length, not that their sum stays inside; what follows
	 * each of these in the record has to be as long as they are.
	 */
	struct request_text request_self;
	struct request_text request_peer;
	struct reply_text reply_self;
	struct reply_text reply_peer;
	__u8 args[ARGS_BYTES]; /* NUL-separated, as in /proc/PID/cmdline */
	char exe[PATH_BYTES];  /* as given to exec; for a script, its interpreter */
	char name[NAME_BYTES]; /* base name of the file that was executed, NUL-terminated */
};
