/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Counters that the kernel side keeps, one array per cpu, never reset. Needs __u64 from its includer.
 * X(enum suffix, label, help). The labels are what others know them by; kernel and user side are built together.
 */

/* Why a run that was begun is not in the metrics. The label is `cause` of bunscope_runs_lost_total. */
#define LOST_CAUSES(X)                                                                             \
	X(MAP_FULL, "map_full", "the runs map was full")                                           \
	X(NO_MEMORY, "no_memory", "the kernel had no memory for the record")                       \
	X(DECODE, "decode", "the record made no sense to user space; counted there")               \
	X(EXIT_UNSEEN, "exit_unseen",                                                              \
	  "the process is gone and nobody saw it exit; counted in user space")

/* What went wrong, or was slow, without a run being lost. */
#define KERNEL_EVENTS(X)                                                                           \
	X(RUNS_BEGUN, "runs_begun", "records put into the runs map")                               \
	X(RUNS_EXITED, "runs_exited", "runs whose process is gone")                                \
	X(RUNS_SENT, "runs_sent", "records that the ring took")                                    \
	X(RING_FULL, "ring_full", "finished records left in the map because the ring was full")    \
	X(STREAMS_FULL, "streams_full", "stdio streams that could not be registered")              \
	X(WATCHED_FULL, "watched_full", "processes that could not be watched")                     \
	X(UNREAPED_FULL, "unreaped_full", "zombies that could not be kept track of")               \
	X(SPAWNS_FAILED, "spawns_failed",                                                          \
	  "servers that had no descriptor left for a tool's pipes")                                \
	X(CGROUPS_FULL, "cgroups_full", "cgroups whose names there was no room for")               \
	X(PROGRAMS_MISSED, "programs_missed",                                                      \
	  "times that the kernel left one of our programs out")                                    \
	X(SECOND_TURNS, "second_turns",                                                            \
	  "calls whose first program the kernel left out, and the second saw")                     \
	X(MADE_GOOD, "made_good",                                                                  \
	  "execs and exits whose programs the kernel left out, and another one saw later")         \
	X(USER_FAULT, "user_fault", "reads of a process's memory that failed")                     \
	X(EXCHANGES_BEGUN, "exchanges_begun", "HTTP requests on execution routes")                 \
	X(EXCHANGES_SENT, "exchanges_sent", "records of exchanges that the ring took")             \
	X(EXCHANGES_OVER, "exchanges_over", "exchanges that have ended")                           \
	X(EXCHANGES_FULL, "exchanges_full", "exchanges that there was no room for")                \
	X(CONNECTIONS_FULL, "connections_full", "connections that there was no room for")          \
	X(HTTP_GAP, "http_gap",                                                                    \
	  "connections given up: bytes passed unseen (sendfile, splice, io_uring) within a head")  \
	X(HTTP_SYNTAX, "http_syntax", "connections given up: neither a head nor a chunk of HTTP")  \
	X(HTTP_BURST, "http_burst",                                                                \
	  "connections given up: more lines in one transfer than are looked at")                   \
	X(HTTP_PIPELINE, "http_pipeline",                                                          \
	  "connections given up: more requests sent ahead than are kept")                          \
	X(FD_MISMATCH, "fd_mismatch", "transfers whose descriptor was gone when it was looked up") \
	X(POLLS_MAP_FULL, "polls_map_full", "poll loops of workflows that there was no room for")  \
	X(POLLS_RING_FULL, "polls_ring_full",                                                      \
	  "poll loops left in the map because the ring was full")                                  \
	X(POLLS_STRANGE, "polls_strange", "poll loops whose arguments are not as we know them")    \
	X(POLLS_ABANDONED, "polls_abandoned", "poll loops of which no return was seen")

enum kernel_counter {
#define X(name, label, help) LOST_##name,
	LOST_CAUSES(X)
#undef X
		LOST_COUNT,
	KERNEL_EVENT_FIRST = LOST_COUNT - 1,
#define X(name, label, help) KERNEL_##name,
	KERNEL_EVENTS(X)
#undef X
		KERNEL_COUNTERS_COUNT,
};

/* The counters map's only value, one a cpu. */
struct kernel_counters {
	__u64 n[KERNEL_COUNTERS_COUNT];
};
