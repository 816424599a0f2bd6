/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kernel side, loaded and attached: the only way for the rest to reach it. Everything goes
 * when the struct is freed, or the process ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "include/counters.h"
#include "include/polls.h"
#include "include/watch.h"
#include "kernel/plan.h"
#include "kernel/uprobes.h"

struct probe;

/* Called with the bytes of one record; they are gone when it returns. */
typedef void probe_record_fn(void *arg, const void *bytes, size_t n);

struct probe_config {
	const char *const *exe_globs; /* which executables are Bun */
	size_t exe_globs_count;
	const char *const *server_globs; /* which are servers */
	size_t server_globs_count;
	uint16_t server_port; /* who listens on it is one; 0 = nobody for that */
	const struct route_filter *routes;
	size_t routes_count;
	bool keep_requests;	   /* both ends of the bodies of requests that start an execution */
	unsigned max_runs;	   /* entries of the runs map */
	unsigned ring_bytes;	   /* a power of two, whole pages */
	probe_record_fn *finished; /* a run or an exchange that the ring delivered */
	void *arg;
};

/*
 * Loads and attaches what the plan says; updates the state of optional hooks that would not attach.
 * 0 or -errno with one line in `ret_error` that says what to do; nothing stays attached then.
 */
int probe_start(const struct probe_config *config, struct plan *plan, struct probe **ret,
		char *ret_error, size_t error_bytes);
void probe_stop(struct probe **owner);

/*
 * Begins the runs that were under way before the probe was attached. Number of them, or -errno.
 */
int probe_adopt(struct probe *probe, const char *const *exe_globs, size_t count);

/*
 * Watches the servers that run already: by executable, by listening port. Number of those found by their executable,
 * or -errno.
 */
int probe_adopt_servers(struct probe *probe, const char *const *server_globs, size_t count);

/* Becomes readable when the ring has records. Owned by the probe. */
int probe_fd(const struct probe *probe);
/* Hands over what the ring holds. Number of records or -errno. */
int probe_drain(struct probe *probe);

/*
 * Sums over all cpus; in ret_begun, if not NULL, the runs begun by each of probe_cpus(): what struct
 * run's ordinal counts. 0 or -errno.
 */
int probe_counters(struct probe *probe, uint64_t ret[KERNEL_COUNTERS_COUNT], uint64_t *ret_begun);
/*
 * How often, at most, the kernel left a program out, and the one that has the second turn as well (bpf/turn.h). It does so
 * with a system call's tracepoint when the cpu is in the middle of another task's use of a map, which takes a fully
 * preemptible kernel; and with one that interrupts itself.
 */
uint64_t probe_missed(const struct probe *probe);
size_t probe_cpus(const struct probe *probe);

/*
 * Whether a server executes a Go program, whose goroutines then tell which exchange a run is for; until it executes
 * something else. 0 or -errno; nothing where the agent is not in the kernel's first pid namespace.
 */
int probe_set_go(const struct probe *probe, uint32_t pid, bool go);

/* As uprobes_attach(). */
int probe_attach_uprobes(const struct probe *probe, int executable,
			 const struct uprobe_place *places, size_t count, struct uprobes **ret);
/* Hands over every struct poll_loop that is under way or waits for the sweep. 0 or -errno. */
int probe_walk_polls(struct probe *probe, probe_record_fn *each, void *arg);
/* Removes one, as probe_take() does. */
bool probe_take_polls(struct probe *probe, const struct goroutine_key *key);

/* Hands over every record of the runs map, finished or not. 0 or -errno. */
int probe_walk(struct probe *probe, probe_record_fn *each, void *arg);
/* Removes a run. 1 for the one caller, here or in the kernel, that removed it: it owns the record; else 0, -errno. */
int probe_take(struct probe *probe, const struct run_key *key);
/*
 * The same for a run that was not seen to exit, if its process is gone nevertheless. Always 0 where the agent is
 * not in the kernel's first pid namespace.
 */
int probe_take_unended(struct probe *probe, const struct run_key *key);
/* The same of HTTP exchanges. */
int probe_walk_exchanges(struct probe *probe, probe_record_fn *each, void *arg);
bool probe_take_exchange(struct probe *probe, __u64 id);
/*
 * Looks for watched processes that are gone and forgets those that it found gone the last time, too: their exits were
 * not seen. 0 or -errno. Does nothing where the agent is not in the kernel's first pid namespace.
 */
int probe_forget_gone(struct probe *probe);
/* Forgets the runs that somebody has waited for. Number of those left: zombies. -errno. */
long probe_unreaped(struct probe *probe);
/* It was no tool's run: whether anybody waits for it does not matter. */
void probe_forget_unreaped(struct probe *probe, const struct run_key *key);
/* The names of a cgroup that a run began in. Whether they are there. */
bool probe_cgroup(const struct probe *probe, const struct cgroup_key *key,
		  struct cgroup_names *ret);
/* Hands over the key of each cgroup whose names are kept: `each` may forget it. 0 or -errno. */
int probe_walk_cgroups(struct probe *probe, probe_record_fn *each, void *arg);
/* The next run that begins in it has them read again. */
void probe_forget_cgroup(struct probe *probe, const struct cgroup_key *key);
/* enum stream_state of the run's streams, 4 bits each from STDIO_IN up; -errno. */
int probe_streams_state(struct probe *probe, const struct run_key *key);

enum probe_map {
	PROBE_MAP_RUNS,
	PROBE_MAP_STREAMS,
	PROBE_MAP_WATCHED,
	PROBE_MAP_UNREAPED,
	PROBE_MAP_POLLS,
	PROBE_MAP_EXCHANGES,
	PROBE_MAP_CONNECTIONS,
	PROBE_MAP_HANDLERS,
	PROBE_MAP_CGROUPS,
	PROBE_MAP_COUNT,
};
extern const char *const probe_map_names[PROBE_MAP_COUNT];
size_t probe_map_capacity(const struct probe *probe, enum probe_map map);
/* Entries now, of any map but the runs, whose walk counts them anyway. -errno on failure. */
long probe_map_entries(const struct probe *probe, enum probe_map map);
