/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Which program serves each hook, from what the kernel has and what was configured. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/caps.h"

enum stdio_probe { STDIO_PROBE_AUTO, STDIO_PROBE_FENTRY, STDIO_PROBE_SYSCALL };

/* X(enum suffix, program): the programs of bpf/ that are attached. */
#define PLAN_PROGRAMS(X)                                                                           \
	X(EXEC_PREPARE_TP, exec_prepare_tp)                                                        \
	X(EXEC_PREPARE_FENTRY, exec_prepare_fentry)                                                \
	X(EXEC_PREPARE_SYSCALL, exec_prepare_syscall)                                              \
	X(EXEC_CONFIRM, exec_confirm)                                                              \
	X(EXECVE_RETURN, execve_return)                                                            \
	X(EXECVEAT_RETURN, execveat_return)                                                        \
	X(PIPE2_RETURN, pipe2_return)                                                              \
	X(SOCKETPAIR_RETURN, socketpair_return)                                                    \
	X(EXEC_FAILED, exec_failed)                                                                \
	X(EXEC_CALLED, exec_called)                                                                \
	X(EXEC_CALL_RETURNED, exec_call_returned)                                                  \
	X(PIPE_FAILED, pipe_failed)                                                                \
	X(PROCESS_EXIT, process_exit)                                                              \
	X(PROCESS_EXIT_LIVE, process_exit_live)                                                    \
	X(TASK_SWITCH, task_switch)                                                                \
	X(SIGNAL, signal_generate)                                                                 \
	X(VICTIM_TASK, oom_victim_task)                                                            \
	X(VICTIM_PID, oom_victim_pid)                                                              \
	X(PIPE_READ, pipe_read_return)                                                             \
	X(PIPE_WRITE, pipe_write_return)                                                           \
	X(ANON_PIPE_READ, anon_pipe_read_return)                                                   \
	X(ANON_PIPE_WRITE, anon_pipe_write_return)                                                 \
	X(UNIX_RECVMSG, unix_recvmsg_return)                                                       \
	X(UNIX_SENDMSG, unix_sendmsg_return)                                                       \
	X(FILE_READ, file_read_return)                                                             \
	X(SHMEM_READ, shmem_read_return)                                                           \
	X(FILE_WRITE, file_write_return)                                                           \
	X(FILE_WRITE_6_4, file_write_return_6_4)                                                   \
	X(TRANSFER_TRACEPOINT, transfer_tracepoint)                                                \
	X(TRANSFER_SYS_EXIT, transfer_sys_exit)                                                    \
	X(POLL_LOOP_BEGIN, poll_loop_begin)                                                        \
	X(POLL_LOOP_END, poll_loop_end)                                                            \
	X(POLL_FETCH, poll_fetch)                                                                  \
	X(TOOL_CALL, tool_call)                                                                    \
	X(CONNECTION_STATE, connection_state)                                                      \
	X(CONNECTION_GONE, connection_gone)                                                        \
	X(TCP_SENDMSG, tcp_sendmsg_return)                                                         \
	X(TCP_RECVMSG, tcp_recvmsg_return)                                                         \
	X(TCP_RECVMSG_5_18, tcp_recvmsg_return_5_18)

/*
 * X(enum suffix, program, when): those of which there is a second, for kernels that preempt (bpf/turn.h), and when that is
 * attached, so that it runs after the first. Of those on a function the last one attached runs first
 * (__bpf_trampoline_link_prog() since Linux 5.5), of those on a tracepoint the first one (func_add(),
 * bpf_prog_array_copy()). AFTER_CALL: on tracepoints of system calls, which run through for longer than others did.
 */
#define PLAN_TWICE(X)                                                                              \
	X(EXEC_PREPARE_TP, exec_prepare_tp, AFTER)                                                 \
	X(EXEC_PREPARE_FENTRY, exec_prepare_fentry, BEFORE)                                        \
	X(EXEC_CONFIRM, exec_confirm, AFTER)                                                       \
	X(EXECVE_RETURN, execve_return, BEFORE)                                                    \
	X(EXECVEAT_RETURN, execveat_return, BEFORE)                                                \
	X(EXEC_FAILED, exec_failed, AFTER_CALL)                                                    \
	X(PIPE_FAILED, pipe_failed, AFTER_CALL)                                                    \
	X(PIPE2_RETURN, pipe2_return, BEFORE)                                                      \
	X(SOCKETPAIR_RETURN, socketpair_return, BEFORE)                                            \
	X(PROCESS_EXIT, process_exit, AFTER)                                                       \
	X(SIGNAL, signal_generate, AFTER)                                                          \
	X(VICTIM_TASK, oom_victim_task, AFTER)                                                     \
	X(PIPE_READ, pipe_read_return, BEFORE)                                                     \
	X(PIPE_WRITE, pipe_write_return, BEFORE)                                                   \
	X(ANON_PIPE_READ, anon_pipe_read_return, BEFORE)                                           \
	X(ANON_PIPE_WRITE, anon_pipe_write_return, BEFORE)                                         \
	X(UNIX_RECVMSG, unix_recvmsg_return, BEFORE)                                               \
	X(UNIX_SENDMSG, unix_sendmsg_return, BEFORE)                                               \
	X(TRANSFER_TRACEPOINT, transfer_tracepoint, AFTER_CALL)                                    \
	X(TRANSFER_SYS_EXIT, transfer_sys_exit, AFTER)                                             \
	X(FILE_READ, file_read_return, BEFORE)                                                     \
	X(SHMEM_READ, shmem_read_return, BEFORE)                                                   \
	X(FILE_WRITE, file_write_return, BEFORE)                                                   \
	X(FILE_WRITE_6_4, file_write_return_6_4, BEFORE)                                           \
	X(CONNECTION_STATE, connection_state, AFTER)                                               \
	X(CONNECTION_GONE, connection_gone, AFTER)                                                 \
	X(TCP_SENDMSG, tcp_sendmsg_return, BEFORE)                                                 \
	X(TCP_RECVMSG, tcp_recvmsg_return, BEFORE)                                                 \
	X(TCP_RECVMSG_5_18, tcp_recvmsg_return_5_18, BEFORE)

/* Those of which there is a third: without them there is no run. */
#define PLAN_THRICE(X) X(EXEC_PREPARE_TP, exec_prepare_tp, AFTER)

enum plan_program {
#define X(name, program) PLAN_##name,
	PLAN_PROGRAMS(X)
#undef X
		PLAN_FIRST_TURNS,
	PLAN_BEFORE_SECOND_TURNS = PLAN_FIRST_TURNS - 1,
#define X(name, program, when) PLAN_##name##_SECOND,
	PLAN_TWICE(X)
#undef X
#define X(name, program, when) PLAN_##name##_THIRD,
		PLAN_THRICE(X)
#undef X
			PLAN_PROGRAM_COUNT,
};

#define PLAN_HOOKS_MAX (PLAN_PROGRAM_COUNT + 4) /* and those without a program */
#define PLAN_HOOK_PROGRAMS_MAX 14
#define PLAN_CANDIDATES_MAX 5 /* flavours of a hook */

enum plan_state {
	PLAN_ATTACHED, /* the best flavour there is */
	PLAN_FALLBACK, /* a second choice: works, `reason` says at what price */
	PLAN_FAILED,   /* needed or wanted, and not there */
	PLAN_OFF,      /* not wanted */
};

struct plan_hook {
	const char *family;
	const char *hook;
	const char *flavour; /* "" when there is none */
	enum plan_program
		programs[PLAN_HOOK_PROGRAMS_MAX]; /* `count` of them are loaded together */
	size_t count;
	enum plan_state state;
	bool required;
	/* Static texts; "" when there is nothing to say. */
	const char *lost;   /* what is missing without the hook */
	const char *reason; /* of the state */
	const char *lacks;  /* why it is not served better, and what to do about it */
	const char *remedy;
	uint64_t capabilities; /* that it takes, at start (capability.h) */
	uint64_t keeps;	       /* those that it may need later, and so for good */
};

struct plan {
	struct plan_hook hooks[PLAN_HOOKS_MAX];
	size_t count;
};

extern const char *const plan_state_names[];

/* Never fails: a hook that nothing can serve is PLAN_FAILED. */
void plan_make(const struct caps *caps, enum stdio_probe stdio, struct plan *ret);
/* NULL when there is none of that name. */
struct plan_hook *plan_hook(struct plan *plan, const char *family, const char *hook);
/* Whether that serves it. */
bool plan_is_by(const struct plan *plan, const char *family, const char *hook, const char *flavour);
/* The first required hook that failed, NULL when the agent can do its job. */
const struct plan_hook *plan_missing(const struct plan *plan);
/* Does it rely on the kernel's own functions for stdio, which not every kernel has in a form that we know? */
bool plan_has_door_a(const struct plan *plan);
/* That hook does not work after all. */
void plan_fail(struct plan *plan, const char *family, const char *name, const char *reason,
	       const char *remedy);
/* The capabilities that what works takes for good. */
uint64_t plan_keeps(const struct plan *plan);
/* Of the hook that loads the program; "" when none does. */
const char *plan_flavour(const struct plan *plan, enum plan_program program);
/* Is the program among those to load? */
bool plan_has(const struct plan *plan, enum plan_program program);
/* The program that has the next turn after this one, PLAN_PROGRAM_COUNT for none. Of a plan where the kernel preempts. */
enum plan_program plan_next_turn(enum plan_program program);
