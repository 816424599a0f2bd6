/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A preemptible kernel may take the CPU away in the middle of a program, and then leaves that program out for whoever
 * comes to its function next on that CPU: a program counts as under way until it returns (prog->active,
 * __bpf_prog_enter_recur()). To turn preemption off inside does not help: it is on again before the return. Tracepoints
 * were safe until Linux 6.19, those of system calls until 7.2 (trace_call_bpf_faultable()). So there each program is attached twice. The first leaves the thread's id behind. The
 * second, right after it, takes that away and does nothing more; where it finds none the first was left out, and it does
 * the first one's work. A call is lost only where threads were preempted in both, on one CPU, at the same time: what
 * becomes of it then docs/kernels.md says.
 *
 * With the thread's id stands which call it was. The second may be left out, too, or what it asks about may be over
 * once the first has done its work: an id that nobody took away must not speak for a later call.
 */
#include "bpf/maps.h"
#include <bpf/bpf_tracing.h>

/* Since Linux 6.10. Around what a CPU has one of. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

static __always_inline void preemption_off(void)
{
	if (bpf_preempt_disable)
		bpf_preempt_disable();
}

static __always_inline void preemption_on(void)
{
	if (bpf_preempt_enable)
		bpf_preempt_enable();
}

enum turn { TURN_FIRST, TURN_MIDDLE, TURN_LAST };

/* Calls of which a thread makes one at most, or some that are far apart. */
enum turn_call {
	CALL_EXEC_PREPARE = 1,
	CALL_EXEC,
	CALL_EXEC_FAILED,
	CALL_PIPE_FAILED,
	CALL_EXIT,
	CALL_TRANSFER = 1u << 31, /* and what distinguishes transfers */
};

/* Of a transfer through the inode, or the socket, that the number stands for. */
static __always_inline __u64 transfer_call(__u64 number, __u32 direction, long result)
{
	return CALL_TRANSFER | (__u32)(number ^ (__u64)result << 1 ^ direction);
}

/* Is the call for this one to look at? Asked once by each, of calls that matter. `call`: which one of the thread's. */
static __always_inline bool turn_is_mine(enum turn turn, __u64 call)
{
	__u32 thread = bpf_get_current_pid_tgid();
	__u64 *slot = &turns[thread % TURN_SLOTS];
	__u64 mark = call << 32 | thread;

	if (turn == TURN_FIRST) {
		if (turns_taken)
			*slot = mark;
		return true;
	}
	if (*slot != mark) {
		if (turn == TURN_MIDDLE)
			*slot = mark;
		counter_add(KERNEL_SECOND_TURNS, 1);
		return true;
	}
	if (turn == TURN_LAST)
		*slot = 0;
	return false;
}

/* Defines the program NAME, which has the first turn, and NAME_second. `work` may ask for its `turn`. */
#define BPF_TURNS(section, name, work, args...)                                                    \
	SEC(section) int BPF_PROG(name, args)                                                      \
	{                                                                                          \
		const enum turn turn = TURN_FIRST;                                                 \
                                                                                                   \
		(void)turn;                                                                        \
		return work;                                                                       \
	}                                                                                          \
	SEC(section) int BPF_PROG(name##_second, args)                                             \
	{                                                                                          \
		const enum turn turn = TURN_LAST;                                                  \
                                                                                                   \
		(void)turn;                                                                        \
		return work;                                                                       \
	}

/* The same, of the tracepoints of system calls. `context`: what they hand over, as `ctx`. */
#define TRACEPOINT_TURNS(name, context, work)                                                      \
	SEC("tracepoint") int name(struct context *ctx)                                            \
	{                                                                                          \
		const enum turn turn = TURN_FIRST;                                                 \
                                                                                                   \
		return work;                                                                       \
	}                                                                                          \
	SEC("tracepoint") int name##_second(struct context *ctx)                                   \
	{                                                                                          \
		const enum turn turn = TURN_LAST;                                                  \
                                                                                                   \
		return work;                                                                       \
	}
