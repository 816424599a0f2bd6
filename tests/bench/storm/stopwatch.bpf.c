/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A stopwatch around the programs of an agent with door B: `start` is attached before them and `stop` behind them, at
 * each of their hooks. Only the benchmark's own processes count, so others' may run meanwhile. `empty` takes the
 * agent's place: what any program takes there.
 */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum { BPF_MAP_TYPE_PERCPU_ARRAY = 6 };

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/storm/lap.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

/* The benchmark; its children launch, theirs are the runs. */
#define GENERATIONS 3
const volatile int bench_tgid;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LAP_COUNT);
	__type(key, __u32);
	__type(value, struct lap);
} laps SEC(".maps");

static __always_inline int start(__u32 hook)
{
	struct lap *lap = bpf_map_lookup_elem(&laps, &hook);

	if (lap)
		lap->began_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline _Bool is_ours(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	for (int i = 0; i < GENERATIONS; i++) {
		task = BPF_CORE_READ(task, real_parent);
		if (BPF_CORE_READ(task, tgid) == bench_tgid)
			return 1;
	}
	return 0;
}

static __always_inline int stop(__u32 hook)
{
	__u64 now = bpf_ktime_get_ns();
	struct lap *lap = bpf_map_lookup_elem(&laps, &hook);

	if (!lap || !lap->began_ns || !is_ours())
		return 0;
	lap->ns += now - lap->began_ns;
	lap->calls++;
	return 0;
}

#define HOOK(section, name, hook)                                                                  \
	SEC(section)                                                                               \
	int start_##name(void *ctx)                                                                \
	{                                                                                          \
		return start(hook);                                                                \
	}                                                                                          \
	SEC(section)                                                                               \
	int empty_##name(void *ctx)                                                                \
	{                                                                                          \
		return 0;                                                                          \
	}                                                                                          \
	SEC(section)                                                                               \
	int stop_##name(void *ctx)                                                                 \
	{                                                                                          \
		return stop(hook);                                                                 \
	}

HOOK("tracepoint", transfer, LAP_TRANSFER)
HOOK("tracepoint", failed, LAP_FAILED)
HOOK("tp_btf/sched_prepare_exec", prepare, LAP_PREPARE)
HOOK("tp_btf/sched_process_exec", exec, LAP_EXEC)
HOOK("tp_btf/signal_generate", signal, LAP_SIGNAL)
HOOK("tp_btf/sched_process_exit", exit, LAP_EXIT)
HOOK("tp_btf/sched_switch", switch, LAP_SWITCH)
