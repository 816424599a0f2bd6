/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Every bound that kernel and user side share, each with its reason. Includes nothing.
 * A bound that is a power of two is one because the BPF side masks with it.
 */

/* The request's first bytes: tool_id (at most 128) and tool_exec_id (27) with their keys, and room. */
#define REQUEST_HEAD_BYTES 256
/* The request's last bytes: timeout_ms is the last key of what the first watched server sends. */
#define REQUEST_TAIL_BYTES 64
/* The reply's two ends: enough to tell the worker's success and failure shapes, and a small reply whole. */
#define REPLY_HEAD_BYTES 256
#define REPLY_TAIL_BYTES 256

/*
 * Of an HTTP exchange. The request line: method, base path, a resource id of at most 128, the route's end.
 * A traceparent has 55 bytes today; the standard lets later versions be longer. Of a tracestate the standard
 * wants 512 kept, members from the left mattering most. The reply of a start names the execution in its first bytes;
 * the request's body begins with its action.
 */
#define REQUEST_LINE_BYTES 256
#define TRACEPARENT_BYTES 128
#define TRACESTATE_BYTES 256
#define BODY_HEAD_BYTES 256
/* Of a request's body, where spans are wanted, its end too: clients write `timeout` last as often as first. */
#define BODY_TAIL_BYTES 64

/* Routes of the watched server; nine by default. */
#define ROUTES_MAX 32
/* Words of 8 bytes of a route's literal ends: `POST /api/v0/workflows/` and `/executions/sync`, and room. */
#define ROUTE_WORDS 8
/* What a line of an HTTP head is known by when it is split over transfers: a request line and its route. */
#define HTTP_LINE_BYTES 512
/* Requests of one connection that are not answered yet; a client that sends more ahead is not followed. */
#define HTTP_PIPELINE_MAX 128
/* TCP connections of watched servers at once: 2 KiB each while they last. */
#define CONNECTIONS_MAX 16384
/* An execution that was accepted may start runs for as long as this: the longest time a request may ask for. */
#define EXECUTION_SECONDS_MAX 300

/* The command line: `bun run --allow-read ROOT/.compozy/bun_worker.ts` with a ROOT of some depth. */
#define ARGS_BYTES 512
/* Arguments of a failed exec that are read; each up to half of ARGS_BYTES. */
#define ARGV_MAX 16
/* Deepest glob or file name that the exec filter compares; NAME_MAX is 255. */
#define PATH_BYTES 256
/* The executed file's own name. */
#define NAME_BYTES 64
/* Executable patterns: five default names, and what --bun.exe adds. */
#define EXE_PATTERNS_MAX 16
/* Literal part of an executable pattern before its first or behind its last wildcard. */
#define EXE_LITERAL_BYTES 64

/* Bun processes of /proc that are adopted at a time; more than that take more turns. */
#define ADOPTEES_MAX 256
/* Processes in the middle of execve() at once, on kernels where its exit does not say what it was given. */
#define EXEC_CALLS_MAX 4096
/*
 * Runs under way at once, where --probe.max-runs does not say otherwise: at 4 KiB a record this bounds
 * kernel memory to 16 MiB.
 */
#define RUNS_DEFAULT 4096
/* A run's stdin, stdout and stderr, each found by the one inode through which its other end is used. */
#define STREAMS_PER_RUN 3
/* Processes whose transfers are looked at: the run, and its ancestors where no other run shares them. */
#define WATCHED_PER_RUN (1 + ANCESTORS_MAX)
/* Buckets of the filter in front of the watched map: one 16 KiB array, hot in the first-level cache. */
#define WATCHED_BUCKETS 4096
/* Buckets of the filter in front of the streams map: the same for inodes. */
#define STREAM_BUCKETS 4096
/* Processes between the server and Bun (sh -c, bunx, npm) that may own the pipes. */
#define ANCESTORS_MAX 4
/* Pieces of one readv, writev, sendmsg or recvmsg whose payload is looked at; all their bytes count. */
#define IOVECS_MAX 16
/* The same by a program that is there for when another was left out. */
#define FEW_IOVECS 2
/* Buffers of one pipe that are looked at for bytes written before the run was known; the kernel's default is 16. */
#define PIPE_BUFFERS_MAX 16

/* Cgroups with runs in them that names are kept of: containers of a node, and room. 2 KiB each. */
#define CGROUPS_MAX 1024
/* Of a cgroup and those above it: a container's, its pod's, and what a container may make below its own. */
#define CGROUP_LEVELS 8
/* `cri-containerd-`, 64 hexadecimal digits and `.scope` are 85; a longer name is no container's. */
#define CGROUP_NAME_BYTES 128

/*
 * Finished runs on their way to user space, where --probe.ring-bytes does not say otherwise: 150 records; half as
 * many are enough for a storm. What it cannot take is swept. User space has it mapped twice, every page.
 */
#define RING_BYTES_DEFAULT (512 * 1024)
