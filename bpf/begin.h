/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A run's beginning: its record, its streams, and the processes that may hold their other ends. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/cgroup.h"
#include "bpf/goroutine.h"
#include "bpf/run.h"
#include "bpf/stream.h"
#include "bpf/watched.h"

/* What a run's record is before anything is known; too big for the stack. */
static const struct run blank;

/* The exchange that caused a run, where the server's goroutine that forked has it in hand. */
static __always_inline void run_link_goroutine(struct run *run, struct task_struct *task,
					       __u32 server, const struct watch *watch)
{
	struct goroutine_key key = {.tgid = server};
	__u64 *id;

	/* Its registers are the server's until it has executed something. */
	if (!watch->go || !(BPF_CORE_READ(task, flags) & PF_FORKNOEXEC))
		return;
	key.goroutine = run->goroutine = goroutine_current();
	id = bpf_map_lookup_elem(&handlers, &key);
	if (!id || !*id)
		return;
	run->exchange_id = *id;
	run->exchange_link = EXCHANGE_LINK_GOROUTINE;
}

/*
 * The exchange that caused a run, where its server has one execution in hand and no more: none that was accepted and
 * goes on behind its answer, and none from the time before it was followed either.
 */
static __always_inline void run_link(struct run *run, const struct watch *watch)
{
	__u64 id;

	if (run->exchange_link || watch->executions != 1)
		return;
	if (watch->unseen_ns &&
	    bpf_ktime_get_ns() - watch->unseen_ns < EXECUTION_SECONDS_MAX * 1000000000ull)
		return;
	id = watch->executions_sum;
	if (!bpf_map_lookup_elem(&exchanges, &id))
		return; /* another one has just come or gone: the two numbers are of different moments */
	run->exchange_id = id;
	run->exchange_link = EXCHANGE_LINK_ONLY;
}

static __always_inline void ancestors_watch(struct run *run, struct task_struct *task)
{
	struct task_struct *ancestor = task;
	const struct watch *watch;

	for (int i = 0; i < ANCESTORS_MAX; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent, group_leader);
		__u32 tgid = BPF_CORE_READ(ancestor, tgid);

		if (tgid <= 1)
			break;
		run->ancestors[i] = tgid;
		watch = watched_add_ancestor(tgid, i == 0);
		if (!watch)
			continue;
		if (i == 0)
			run_link_goroutine(run, task, tgid, watch);
		run_link(run, watch);
	}
}

static __always_inline void run_fill(struct run *run, struct task_struct *task,
				     const struct executable *executable)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	run->exec_ns = bpf_ktime_get_ns();
	run->cpu = bpf_get_smp_processor_id();
	run->parent_pid = BPF_CORE_READ(parent, tgid);
	run->parent_start_ns = BPF_CORE_READ(parent, start_time);
	/* As strings: behind their ends stands what another process executed. */
	bpf_probe_read_kernel_str(run->exe, sizeof(run->exe), executable->path);
	bpf_probe_read_kernel_str(run->name, sizeof(run->name), executable->name);
	for (__u32 i = 0; i < STDIO_COUNT; i++)
		stream_read(&run->stdio[i], task, i);
	/* An inherited stderr, a server's log: who reads that reads others' bytes too. */
	if (stream_is_fd(&run->stdio[STDIO_ERR], parent, STDIO_ERR))
		run->stdio[STDIO_ERR].flags |= STREAM_SHARED;
}

/* What exec would have confirmed, of one that executes Bun already. */
static __always_inline void run_adopt(struct run *run, struct task_struct *task,
				      const struct adoptee *adoptee)
{
	run->flags = RUN_ADOPTED | RUN_CONFIRMED;
	__builtin_memcpy(run->args, adoptee->args, sizeof(run->args));
	run->args_bytes = adoptee->args_bytes;
	if (adoptee->args_truncated)
		run->flags |= RUN_ARGS_TRUNCATED;
	run_read_cgroup(run, task);
	run->rss_before_bytes = task->signal->maxrss * page_bytes;
	run->cpu_ns = task->signal->sum_sched_runtime;
	run_count(run);
}

/* A run that there was no room for: counted when it is known that it would have been one. */
static __always_inline void lost_count(struct watch *watch)
{
	if (!watch || !watch->lost)
		return;
	counter_add((__u64)watch->lost - 1, 1);
	watch->lost = 0;
}

/*
 * Puts a run into the map and watches its process. Its streams lead to it from here on. One that is there stays as
 * it is: the process executes Bun again (bunx, a script's #! line). NULL when there is no room; exec_confirm counts it.
 * adoptee: NULL but for a process that executes Bun already. It may exit meanwhile, and finds the run by its watch
 * entry: that is filled in last.
 */
static __always_inline struct run *run_begin(struct task_struct *task,
					     const struct executable *executable,
					     const struct adoptee *adoptee)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct run_key key = {.tgid = tgid};
	struct stream_filter filter;
	struct watch *watch;
	struct run *run;
	int r;

	key.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	if (!watched_add(tgid) || !(watch = watched_find(tgid))) {
		counter_add(LOST_MAP_FULL, 1);
		return NULL;
	}
	r = map_insert(&runs, &key, &blank);
	run = bpf_map_lookup_elem(&runs, &key);
	if (r == -EEXIST)
		return run;
	watch->lost = r == 0 ? 0 : 1 + (r == -ENOMEM ? LOST_NO_MEMORY : LOST_MAP_FULL);
	if (!run) {
		watch->run_start_ns = key.start_ns;
		return NULL;
	}

	run->key = key;
	run_fill(run, task, executable);
	ancestors_watch(run, task);
	stream_filter_of(&filter, run);
	stream_filter_add(&filter, 1);
	for (__u32 i = 0; i < STDIO_COUNT; i++) {
		stream_register(run, i);
		watch->stdio[i] = run->stdio[i].key.address;
		if (run->stdio[i].kind == STDIO_KIND_FILE || run->stdio[i].kind == STDIO_KIND_OTHER)
			watched_use_files(watch, tgid);
	}
	if (adoptee)
		run_adopt(run, task, adoptee);
	watch->run_start_ns = key.start_ns;
	return run;
}
