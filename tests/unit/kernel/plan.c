/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/capability.h"

#define LINK_PRICE                                                                                 \
	"Bun is known by the path that exec is given, not by the file behind a symbolic link"
#define ALL_PAY "every system call of every process pays for it"
#define OTHERS "of the runs under way when the agent starts, those of other users"

/* Why and what to do, as one argument. */
#define NO_LOAD                                                                                    \
	"not allowed to load BPF programs",                                                        \
		"run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
#define NO_BTF                                                                                     \
	"this kernel has no BTF (/sys/kernel/btf/vmlinux)",                                        \
		"use one built with CONFIG_DEBUG_INFO_BTF, as distributions' are"
#define NO_MEMORY                                                                                  \
	"this kernel counts maps as locked memory, of which little is allowed",                    \
		"raise RLIMIT_MEMLOCK (LimitMEMLOCK= of a unit), or grant CAP_SYS_RESOURCE"
#define NO_TRACEFS                                                                                 \
	"no tracefs with events/syscalls can be read",                                             \
		"mount it at /sys/kernel/tracing, and run as root or with CAP_DAC_READ_SEARCH"
#define NO_REGS "this kernel has no bpf_task_pt_regs()", "Linux 5.15 has it"
#define NO_FENTRY                                                                                  \
	"this kernel lets no program on to its functions (fentry)",                                \
		"use one with CONFIG_FUNCTION_TRACER that allows them"
#define NO_SYS_EXIT                                                                                \
	"this kernel has no tracepoint sys_exit",                                                  \
		"use one built with CONFIG_HAVE_SYSCALL_TRACEPOINTS, as distributions' are"
#define NO_PERF_EVENTS                                                                             \
	"this kernel lets only CAP_SYS_ADMIN open perf events (kernel.perf_event_paranoid)",       \
		"set kernel.perf_event_paranoid to 2, or grant CAP_SYS_ADMIN"
#define NO_PREPARE_EXEC "this kernel has no tracepoint sched_prepare_exec", "Linux 6.10 has it"
#define NO_ANON_PIPE                                                                               \
	"this kernel has no traceable anon_pipe_read() and anon_pipe_write()",                     \
		"since Linux 6.15 distributions' have them"
#define NO_BEGIN_NEW_EXEC "this kernel has no traceable begin_new_exec()", "Linux 5.8 has it"
#define NO_VICTIM "this kernel has no tracepoint mark_victim", "distributions' kernels do"
#define NO_PTRACE                                                                                  \
	"without CAP_SYS_PTRACE /proc hides what other users' processes run",                      \
		"grant CAP_SYS_PTRACE, or run as root"
#define NO_UPROBES                                                                                 \
	"this kernel has no uprobes",                                                              \
		"use one built with CONFIG_UPROBE_EVENTS, as distributions' are"
#define NO_FD                                                                                      \
	"this kernel wants CAP_BPF for each look into a map", "Linux 5.19 wants it only to load"
#define NO_SECCOMP "this kernel filters no system calls", "use one with CONFIG_SECCOMP_FILTER"

#define HOOK(family_, hook_, flavour_, required_, count_, ...)                                     \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = flavour_, .required = required_,      \
		.count = count_, .programs = {__VA_ARGS__}, .state = PLAN_ATTACHED, .reason = "",  \
		.lacks = "", .remedy = "",                                                         \
	}
/* The last arguments: why, and what to do. */
#define FAILED_HOOK(family_, hook_, required_, ...)                                                \
	FAILED_HOOK_(family_, hook_, required_, __VA_ARGS__)
#define FAILED_HOOK_(family_, hook_, required_, lacks_, remedy_)                                   \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = "", .state = PLAN_FAILED,             \
		.required = required_, .reason = lacks_, .lacks = lacks_, .remedy = remedy_,       \
	}
#define FALLBACK_HOOK(family_, hook_, flavour_, required_, price, count_, program, ...)            \
	FALLBACK_HOOK_(family_, hook_, flavour_, required_, price, count_, program, __VA_ARGS__)
#define FALLBACK_HOOK_(family_, hook_, flavour_, required_, price, count_, program, lacks_,        \
		       remedy_)                                                                    \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = flavour_, .required = required_,      \
		.count = count_, .programs = {program}, .state = PLAN_FALLBACK, .reason = price,   \
		.lacks = lacks_, .remedy = remedy_,                                                \
	}

#define PREPARE_TP HOOK("process", "exec_prepare", "tp_btf", true, 1, PLAN_EXEC_PREPARE_TP)
#define PREPARE_FENTRY HOOK("process", "exec_prepare", "fentry", true, 1, PLAN_EXEC_PREPARE_FENTRY)
#define PREPARE_SYSCALL(why)                                                                       \
	FALLBACK_HOOK("process", "exec_prepare", "tracepoint", true, LINK_PRICE, 1,                \
		      PLAN_EXEC_PREPARE_SYSCALL, why)
#define PREPARE_FAILED(why) FAILED_HOOK("process", "exec_prepare", true, why)
#define EXEC HOOK("process", "exec", "tp_btf", true, 1, PLAN_EXEC_CONFIRM)
#define EXEC_FAILED_TP HOOK("process", "exec_failed", "tracepoint", false, 1, PLAN_EXEC_FAILED)
#define EXEC_FAILED_CALLS                                                                          \
	HOOK("process", "exec_failed", "tracepoint", false, 2, PLAN_EXEC_CALLED,                   \
	     PLAN_EXEC_CALL_RETURNED)
#define EXEC_FAILED_OFF(why) FAILED_HOOK("process", "exec_failed", false, why)
#define PIPE_FAILED_TP HOOK("process", "pipe_failed", "tracepoint", false, 1, PLAN_PIPE_FAILED)
#define PIPE_FAILED_OFF(why) FAILED_HOOK("process", "pipe_failed", false, why)
#define EXEC_FAILED_FENTRY                                                                         \
	HOOK("process", "exec_failed", "fentry", false, 2, PLAN_EXECVE_RETURN, PLAN_EXECVEAT_RETURN)
#define PIPE_FAILED_FENTRY                                                                         \
	HOOK("process", "pipe_failed", "fentry", false, 2, PLAN_PIPE2_RETURN,                      \
	     PLAN_SOCKETPAIR_RETURN)
#define EXIT HOOK("process", "exit", "tp_btf", true, 2, PLAN_PROCESS_EXIT_LIVE, PLAN_TASK_SWITCH)
#define EXIT_DEAD HOOK("process", "exit", "tp_btf", true, 2, PLAN_PROCESS_EXIT, PLAN_TASK_SWITCH)
#define SIGNAL HOOK("process", "signal", "tp_btf", false, 1, PLAN_SIGNAL)
#define OOM_TASK HOOK("process", "oom", "tp_btf", false, 1, PLAN_VICTIM_TASK)
#define OOM_PID HOOK("process", "oom", "tp_btf", false, 1, PLAN_VICTIM_PID)
#define OOM_OFF(why) FAILED_HOOK("process", "oom", false, why)
#define ADOPT HOOK("process", "adopt", "iter", false, 0)
#define ADOPT_OWN FALLBACK_HOOK("process", "adopt", "iter", false, OTHERS, 0, 0, NO_PTRACE)
#define TRANSFER HOOK("stdio", "transfer", "tracepoint", true, 1, PLAN_TRANSFER_TRACEPOINT)
#define DOOR_A PLAN_UNIX_RECVMSG, PLAN_UNIX_SENDMSG, PLAN_FILE_READ, PLAN_SHMEM_READ
#define TRANSFER_A(...) HOOK("stdio", "transfer", "fentry", true, 7, __VA_ARGS__, DOOR_A)
#define TRANSFER_A_6_4 TRANSFER_A(PLAN_PIPE_READ, PLAN_PIPE_WRITE, PLAN_FILE_WRITE_6_4)
#define TRANSFER_A_6_14 TRANSFER_A(PLAN_PIPE_READ, PLAN_PIPE_WRITE, PLAN_FILE_WRITE)
#define TRANSFER_A_6_15 TRANSFER_A(PLAN_ANON_PIPE_READ, PLAN_ANON_PIPE_WRITE, PLAN_FILE_WRITE)
#define TRANSFER_TP(why)                                                                           \
	FALLBACK_HOOK("stdio", "transfer", "tp_btf", true, ALL_PAY, 1, PLAN_TRANSFER_SYS_EXIT, why)
#define TRANSFER_FAILED(why) FAILED_HOOK("stdio", "transfer", true, why)

#define POLLS                                                                                      \
	HOOK("go", "polls", "uprobe_multi", false, 4, PLAN_POLL_LOOP_BEGIN, PLAN_POLL_LOOP_END,    \
	     PLAN_POLL_FETCH, PLAN_TOOL_CALL)
#define POLLS_EACH                                                                                 \
	{                                                                                          \
		.family = "go", .hook = "polls", .flavour = "uprobe",                              \
		.programs = {PLAN_POLL_LOOP_BEGIN, PLAN_POLL_LOOP_END, PLAN_POLL_FETCH,            \
			     PLAN_TOOL_CALL},                                                      \
		.count = 4, .state = PLAN_FALLBACK,                                                \
		.reason = "CAP_SYS_ADMIN stays, which some of these kernels want for them",        \
		.lacks = "this kernel has no uprobes of many places",                              \
		.remedy = "Linux 6.6 has them",                                                    \
	}
#define POLLS_OFF(why) FAILED_HOOK("go", "polls", false, why)
#define GOROUTINES HOOK("go", "goroutine", "registers", false, 0)
#define GOROUTINES_STACK HOOK("go", "goroutine", "stack", false, 0)
#define GOROUTINES_OFF(why) FAILED_HOOK("go", "goroutine", false, why)
#define CONNECTIONS PLAN_CONNECTION_STATE, PLAN_CONNECTION_GONE
#define SERVER_A                                                                                   \
	HOOK("server", "exchange", "fentry", false, 4, CONNECTIONS, PLAN_TCP_SENDMSG,              \
	     PLAN_TCP_RECVMSG)
#define SERVER_A_5_18                                                                              \
	HOOK("server", "exchange", "fentry", false, 4, CONNECTIONS, PLAN_TCP_SENDMSG,              \
	     PLAN_TCP_RECVMSG_5_18)
#define SERVER_B HOOK("server", "exchange", "syscall", false, 2, CONNECTIONS)
#define SERVER_FAILED(why) FAILED_HOOK("server", "exchange", false, why)
#define NO_TCP                                                                                     \
	"this kernel has no tracepoints for the state of TCP connections",                         \
		"use one built with CONFIG_INET, as distributions' are"
#define NO_TCP_FUNCTIONS                                                                           \
	"this kernel has no traceable tcp_sendmsg() and tcp_recvmsg()",                            \
		"use one built with CONFIG_INET, as distributions' are"

#define TWICE(program) program##_SECOND, program
#define THEN(program) program, program##_SECOND
#define CONNECTIONS_THEN THEN(PLAN_CONNECTION_STATE), THEN(PLAN_CONNECTION_GONE)

#define SANDBOX                                                                                    \
	HOOK("sandbox", "capabilities", "dropped", false, 0),                                      \
		HOOK("sandbox", "syscalls", "seccomp", false, 0)
#define SANDBOX_FAILED(why)                                                                        \
	FAILED_HOOK("sandbox", "capabilities", false, why),                                        \
		FAILED_HOOK("sandbox", "syscalls", false, why)
#define KEEPS_BPF                                                                                  \
	FALLBACK_HOOK("sandbox", "capabilities", "dropped", false,                                 \
		      "CAP_BPF stays, for each look into a map", 0, 0, NO_FD)

#define ALLOWED_BUT_UPROBES_AND_PREEMPTED                                                          \
	.may_load = true, .btf = true, .may_lock_memory = true, .may_read_processes = true,        \
	.maps_by_fd = true, .seccomp = true, .tcp_tracepoints = true
#define RUNS_THROUGH .runs_through = true, .calls_run_through = true
#define ALLOWED_BUT_UPROBES RUNS_THROUGH, ALLOWED_BUT_UPROBES_AND_PREEMPTED
#define ALLOWED_BUT_PREEMPTED ALLOWED_BUT_UPROBES_AND_PREEMPTED, .uprobe_multi = true
#define ALLOWED RUNS_THROUGH, ALLOWED_BUT_PREEMPTED
#define FENTRY                                                                                     \
	.fentry = true, .begin_new_exec = true, .stream_functions = true, .tcp_functions = true,   \
	.recvmsg_takes_flags = true
#define OLD_PIPE .pipe = true, .write_takes_file = true
#define PIPE .pipe = true, .write_takes_iocb = true
#define NEW_PIPE .anon_pipe = true, .write_takes_iocb = true
#define TRACEFS                                                                                    \
	.syscall_tracepoints = true, .perf_events = true, .perfmon_opens = true,                   \
	.task_pt_regs = true
/* What Linux 6.12 on x86-64 has. */
#define MODERN                                                                                     \
	ALLOWED, .sched_prepare_exec = true, FENTRY, PIPE, TRACEFS, .sys_exit = true,              \
		 .victim_is_task = true

struct rung {
	const char *name;
	struct caps caps;
	enum stdio_probe stdio;
	struct plan plan;
	const char *missing; /* the first required hook that failed; "" = none */
};

static const struct rung rungs[] = {
	{"6.12",
	 {MODERN},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"6.18: the pipe functions have other names",
	 {ALLOWED, .sched_prepare_exec = true, FENTRY, NEW_PIPE, TRACEFS, .sys_exit = true,
	  .exit_says_dead = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT_DEAD, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_15, SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"6.18 that preempts: programs are there twice, the one that shall run last attached "
	 "first to a function, last to a tracepoint",
	 {ALLOWED_BUT_PREEMPTED, .sched_prepare_exec = true, FENTRY, NEW_PIPE, TRACEFS,
	  .syscall_functions = true, .sys_exit = true, .exit_says_dead = true,
	  .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{HOOK("process", "exec_prepare", "tp_btf", true, 3, THEN(PLAN_EXEC_PREPARE_TP),
		PLAN_EXEC_PREPARE_TP_THIRD),
	   HOOK("process", "exec", "tp_btf", true, 2, THEN(PLAN_EXEC_CONFIRM)),
	   HOOK("process", "exec_failed", "fentry", false, 4, TWICE(PLAN_EXECVE_RETURN),
		TWICE(PLAN_EXECVEAT_RETURN)),
	   HOOK("process", "pipe_failed", "fentry", false, 4, TWICE(PLAN_PIPE2_RETURN),
		TWICE(PLAN_SOCKETPAIR_RETURN)),
	   HOOK("process", "exit", "tp_btf", true, 3, THEN(PLAN_PROCESS_EXIT), PLAN_TASK_SWITCH),
	   HOOK("process", "signal", "tp_btf", false, 2, THEN(PLAN_SIGNAL)),
	   HOOK("process", "oom", "tp_btf", false, 2, THEN(PLAN_VICTIM_TASK)), ADOPT,
	   HOOK("stdio", "transfer", "fentry", true, 14, TWICE(PLAN_ANON_PIPE_READ),
		TWICE(PLAN_ANON_PIPE_WRITE), TWICE(PLAN_FILE_WRITE), TWICE(PLAN_UNIX_RECVMSG),
		TWICE(PLAN_UNIX_SENDMSG), TWICE(PLAN_FILE_READ), TWICE(PLAN_SHMEM_READ)),
	   HOOK("server", "exchange", "fentry", false, 8, CONNECTIONS_THEN, TWICE(PLAN_TCP_SENDMSG),
		TWICE(PLAN_TCP_RECVMSG)),
	   POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"6.18 that preempts, system calls asked for: their tracepoints run through",
	 {ALLOWED_BUT_PREEMPTED, .calls_run_through = true, .sched_prepare_exec = true, FENTRY,
	  NEW_PIPE, TRACEFS, .sys_exit = true, .exit_says_dead = true, .victim_is_task = true},
	 STDIO_PROBE_SYSCALL,
	 {{HOOK("process", "exec_prepare", "tp_btf", true, 3, THEN(PLAN_EXEC_PREPARE_TP),
		PLAN_EXEC_PREPARE_TP_THIRD),
	   HOOK("process", "exec", "tp_btf", true, 2, THEN(PLAN_EXEC_CONFIRM)), EXEC_FAILED_TP,
	   PIPE_FAILED_TP,
	   HOOK("process", "exit", "tp_btf", true, 3, THEN(PLAN_PROCESS_EXIT), PLAN_TASK_SWITCH),
	   HOOK("process", "signal", "tp_btf", false, 2, THEN(PLAN_SIGNAL)),
	   HOOK("process", "oom", "tp_btf", false, 2, THEN(PLAN_VICTIM_TASK)), ADOPT, TRANSFER,
	   HOOK("server", "exchange", "syscall", false, 4, CONNECTIONS_THEN), POLLS, GOROUTINES,
	   SANDBOX},
	  14},
	 ""},
	{"7.2, which preempts at system calls, too: tracepoints twice",
	 {ALLOWED_BUT_PREEMPTED, .sched_prepare_exec = true, FENTRY, NEW_PIPE, TRACEFS,
	  .sys_exit = true, .exit_says_dead = true, .victim_is_task = true},
	 STDIO_PROBE_SYSCALL,
	 {{HOOK("process", "exec_prepare", "tp_btf", true, 3, THEN(PLAN_EXEC_PREPARE_TP),
		PLAN_EXEC_PREPARE_TP_THIRD),
	   HOOK("process", "exec", "tp_btf", true, 2, THEN(PLAN_EXEC_CONFIRM)),
	   HOOK("process", "exec_failed", "tracepoint", false, 2, THEN(PLAN_EXEC_FAILED)),
	   HOOK("process", "pipe_failed", "tracepoint", false, 2, THEN(PLAN_PIPE_FAILED)),
	   HOOK("process", "exit", "tp_btf", true, 3, THEN(PLAN_PROCESS_EXIT), PLAN_TASK_SWITCH),
	   HOOK("process", "signal", "tp_btf", false, 2, THEN(PLAN_SIGNAL)),
	   HOOK("process", "oom", "tp_btf", false, 2, THEN(PLAN_VICTIM_TASK)), ADOPT,
	   HOOK("stdio", "transfer", "tracepoint", true, 2, THEN(PLAN_TRANSFER_TRACEPOINT)),
	   HOOK("server", "exchange", "syscall", false, 4, CONNECTIONS_THEN), POLLS, GOROUTINES,
	   SANDBOX},
	  14},
	 ""},
	{"no program may go on to functions, as on a locked-down 6.18",
	 {ALLOWED, .sched_prepare_exec = true, .write_takes_iocb = true, TRACEFS, .sys_exit = true,
	  .exit_says_dead = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT_DEAD, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER, SERVER_B, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"6.8: no sched_prepare_exec yet",
	 {ALLOWED, FENTRY, PIPE, TRACEFS, .sys_exit = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"5.15: the victim is a pid",
	 {ALLOWED, FENTRY, OLD_PIPE, TRACEFS, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_PID, ADOPT,
	   TRANSFER_A_6_4, SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"5.10: no registers of a task",
	 {ALLOWED, FENTRY, OLD_PIPE, .syscall_tracepoints = true, .perf_events = true,
	  .perfmon_opens = true, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_CALLS, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_PID, ADOPT,
	   TRANSFER_A_6_4, SERVER_A, POLLS, GOROUTINES_STACK, SANDBOX},
	  14},
	 ""},
	{"5.10, whose system calls' functions can be traced: what fails needs no registers of a "
	 "task",
	 {ALLOWED, FENTRY, OLD_PIPE, .syscall_functions = true, .syscall_tracepoints = true,
	  .perf_events = true, .perfmon_opens = true, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_FENTRY, PIPE_FAILED_FENTRY, EXIT, SIGNAL, OOM_PID,
	   ADOPT, TRANSFER_A_6_4, SERVER_A, POLLS, GOROUTINES_STACK, SANDBOX},
	  14},
	 ""},
	{"5.10, system calls asked for",
	 {ALLOWED, FENTRY, OLD_PIPE, .syscall_tracepoints = true, .perf_events = true,
	  .perfmon_opens = true, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_SYSCALL(NO_PREPARE_EXEC), EXEC, EXEC_FAILED_CALLS, PIPE_FAILED_TP, EXIT, SIGNAL,
	   OOM_PID, ADOPT, TRANSFER_TP(NO_REGS), SERVER_B, POLLS, GOROUTINES_STACK, SANDBOX},
	  14},
	 ""},
	{"arm64 without fentry",
	 {ALLOWED, .write_takes_file = true, TRACEFS, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_SYSCALL(NO_FENTRY), EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_PID,
	   ADOPT, TRANSFER, SERVER_B, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"the function was inlined, and there is no OOM tracepoint",
	 {ALLOWED, .fentry = true, .stream_functions = true, PIPE, TRACEFS, .sys_exit = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_SYSCALL(NO_BEGIN_NEW_EXEC), EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL,
	   OOM_OFF(NO_VICTIM), ADOPT, TRANSFER_A_6_14, SERVER_FAILED(NO_TCP_FUNCTIONS), POLLS,
	   GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"no tracefs",
	 {ALLOWED, .sched_prepare_exec = true, .task_pt_regs = true, .sys_exit = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_OFF(NO_TRACEFS), PIPE_FAILED_OFF(NO_TRACEFS), EXIT, SIGNAL,
	   OOM_OFF(NO_VICTIM), ADOPT, TRANSFER_TP(NO_TRACEFS), SERVER_B, POLLS, GOROUTINES,
	   SANDBOX},
	  14},
	 ""},
	{"neither fentry nor tracefs",
	 {ALLOWED, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED(NO_TRACEFS), EXEC, EXEC_FAILED_OFF(NO_TRACEFS),
	   PIPE_FAILED_OFF(NO_TRACEFS), EXIT, SIGNAL, OOM_PID, ADOPT, TRANSFER_TP(NO_TRACEFS),
	   SERVER_B, POLLS, GOROUTINES_STACK, SANDBOX},
	  14},
	 "exec_prepare"},
	{"no tracepoints of system calls at all",
	 {ALLOWED, .sched_prepare_exec = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_OFF(NO_TRACEFS), PIPE_FAILED_OFF(NO_TRACEFS), EXIT, SIGNAL,
	   OOM_TASK, ADOPT, TRANSFER_FAILED(NO_SYS_EXIT), SERVER_B, POLLS, GOROUTINES_STACK,
	   SANDBOX},
	  14},
	 "transfer"},
	{"processes of other users stay hidden",
	 {.may_load = true,
	  RUNS_THROUGH,
	  .btf = true,
	  .may_lock_memory = true,
	  .uprobe_multi = true,
	  .maps_by_fd = true,
	  .seccomp = true,
	  .sched_prepare_exec = true,
	  TRACEFS,
	  .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT_OWN,
	   TRANSFER, SERVER_FAILED(NO_TCP), POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"5.10: CAP_BPF for each look into a map, and no seccomp",
	 {.may_load = true,
	  RUNS_THROUGH,
	  .btf = true,
	  .may_lock_memory = true,
	  .uprobe_multi = true,
	  .may_read_processes = true,
	  FENTRY,
	  OLD_PIPE,
	  TRACEFS,
	  .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_PID, ADOPT,
	   TRANSFER_A_6_4, SERVER_FAILED(NO_TCP), POLLS, GOROUTINES, KEEPS_BPF,
	   FAILED_HOOK("sandbox", "syscalls", false, NO_SECCOMP)},
	  14},
	 ""},
	{"6.5: a perf event for each uprobe",
	 {ALLOWED_BUT_UPROBES, .uprobes = true, .sched_prepare_exec = true, FENTRY, PIPE, TRACEFS,
	  .sys_exit = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_A, POLLS_EACH, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"Debian 12 without CAP_SYS_ADMIN: no perf events",
	 {ALLOWED_BUT_UPROBES, .uprobes = true, FENTRY, OLD_PIPE, .syscall_functions = true,
	  .syscall_tracepoints = true, .task_pt_regs = true, .sys_exit = true,
	  .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_FENTRY, PIPE_FAILED_FENTRY, EXIT, SIGNAL, OOM_PID,
	   ADOPT, TRANSFER_A_6_4, SERVER_A, POLLS_OFF(NO_PERF_EVENTS), GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"its door B would lose every run",
	 {ALLOWED_BUT_UPROBES, .uprobes = true, FENTRY, OLD_PIPE, .syscall_functions = true,
	  .syscall_tracepoints = true, .task_pt_regs = true, .sys_exit = true,
	  .victim_is_pid = true},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_FAILED(NO_PERF_EVENTS), EXEC, EXEC_FAILED_OFF(NO_PERF_EVENTS),
	   PIPE_FAILED_OFF(NO_PERF_EVENTS), EXIT, SIGNAL, OOM_PID, ADOPT,
	   TRANSFER_TP(NO_PERF_EVENTS), SERVER_B, POLLS_OFF(NO_PERF_EVENTS), GOROUTINES, SANDBOX},
	  14},
	 "exec_prepare"},
	{"no uprobes",
	 {ALLOWED_BUT_UPROBES, .sched_prepare_exec = true, FENTRY, PIPE, TRACEFS, .sys_exit = true,
	  .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_A, POLLS_OFF(NO_UPROBES), GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"5.10 where no memory may be locked",
	 {.may_load = true, RUNS_THROUGH, .btf = true, .may_read_processes = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED(NO_MEMORY), FAILED_HOOK("process", "exec", true, NO_MEMORY),
	   EXEC_FAILED_OFF(NO_MEMORY), PIPE_FAILED_OFF(NO_MEMORY),
	   FAILED_HOOK("process", "exit", true, NO_MEMORY),
	   FAILED_HOOK("process", "signal", false, NO_MEMORY), OOM_OFF(NO_MEMORY),
	   FAILED_HOOK("process", "adopt", false, NO_MEMORY), TRANSFER_FAILED(NO_MEMORY),
	   SERVER_FAILED(NO_MEMORY), POLLS_OFF(NO_MEMORY), GOROUTINES_OFF(NO_MEMORY),
	   SANDBOX_FAILED(NO_MEMORY)},
	  14},
	 "exec_prepare"},
	{"no BTF",
	 {.may_load = true, .may_read_processes = true, TRACEFS},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED(NO_BTF), FAILED_HOOK("process", "exec", true, NO_BTF),
	   EXEC_FAILED_OFF(NO_BTF), PIPE_FAILED_OFF(NO_BTF),
	   FAILED_HOOK("process", "exit", true, NO_BTF),
	   FAILED_HOOK("process", "signal", false, NO_BTF), OOM_OFF(NO_BTF),
	   FAILED_HOOK("process", "adopt", false, NO_BTF), TRANSFER_FAILED(NO_BTF),
	   SERVER_FAILED(NO_BTF), POLLS_OFF(NO_BTF), GOROUTINES_OFF(NO_BTF),
	   SANDBOX_FAILED(NO_BTF)},
	  14},
	 "exec_prepare"},
	{"no privileges",
	 {.btf = true, .sched_prepare_exec = true, .sys_exit = true, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED(NO_LOAD), FAILED_HOOK("process", "exec", true, NO_LOAD),
	   EXEC_FAILED_OFF(NO_LOAD), PIPE_FAILED_OFF(NO_LOAD),
	   FAILED_HOOK("process", "exit", true, NO_LOAD),
	   FAILED_HOOK("process", "signal", false, NO_LOAD), OOM_OFF(NO_LOAD),
	   FAILED_HOOK("process", "adopt", false, NO_LOAD), TRANSFER_FAILED(NO_LOAD),
	   SERVER_FAILED(NO_LOAD), POLLS_OFF(NO_LOAD), GOROUTINES_OFF(NO_LOAD),
	   SANDBOX_FAILED(NO_LOAD)},
	  14},
	 "exec_prepare"},
	{"system calls asked for: no fentry anywhere",
	 {ALLOWED, FENTRY, OLD_PIPE, TRACEFS, .sys_exit = true, .victim_is_pid = true},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_SYSCALL(NO_PREPARE_EXEC), EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL,
	   OOM_PID, ADOPT, TRANSFER, SERVER_B, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"system calls asked for, which tp_btf is",
	 {MODERN},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER, SERVER_B, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"fentry asked for",
	 {MODERN},
	 STDIO_PROBE_FENTRY,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"fentry asked for, where no program may go on to functions",
	 {ALLOWED, .sched_prepare_exec = true, TRACEFS, .sys_exit = true, .victim_is_task = true},
	 STDIO_PROBE_FENTRY,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_FAILED(NO_FENTRY), SERVER_FAILED(NO_FENTRY), POLLS, GOROUTINES, SANDBOX},
	  14},
	 "transfer"},
	{"fentry asked for, where the pipe functions were inlined",
	 {ALLOWED, .sched_prepare_exec = true, FENTRY, .write_takes_iocb = true, TRACEFS,
	  .victim_is_task = true},
	 STDIO_PROBE_FENTRY,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_FAILED(NO_ANON_PIPE), SERVER_A, POLLS, GOROUTINES, SANDBOX},
	  14},
	 "transfer"},
	{"5.10: tcp_recvmsg() has one more argument",
	 {ALLOWED, .fentry = true, .begin_new_exec = true, .stream_functions = true,
	  .tcp_functions = true, .recvmsg_takes_nonblock = true, OLD_PIPE, TRACEFS,
	  .victim_is_pid = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_PID, ADOPT,
	   TRANSFER_A_6_4, SERVER_A_5_18, POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
	{"door A for the pipes, and none for TCP: door B is not there to see it",
	 {ALLOWED, .sched_prepare_exec = true, .fentry = true, .begin_new_exec = true,
	  .stream_functions = true, PIPE, TRACEFS, .victim_is_task = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, EXEC_FAILED_TP, PIPE_FAILED_TP, EXIT, SIGNAL, OOM_TASK, ADOPT,
	   TRANSFER_A_6_14, SERVER_FAILED(NO_TCP_FUNCTIONS), POLLS, GOROUTINES, SANDBOX},
	  14},
	 ""},
};

static void assert_hook(const struct plan_hook *hook, const struct plan_hook *expected)
{
	assert_string_equal(hook->family, expected->family);
	assert_string_equal(hook->hook, expected->hook);
	assert_string_equal(hook->flavour, expected->flavour);
	assert_int_equal(hook->count, expected->count);
	for (size_t i = 0; i < expected->count; i++)
		assert_int_equal(hook->programs[i], expected->programs[i]);
	assert_int_equal(hook->state, expected->state);
	assert_int_equal(hook->required, expected->required);
	assert_string_equal(hook->reason, expected->reason);
	assert_string_equal(hook->lacks, expected->lacks);
	assert_string_equal(hook->remedy, expected->remedy);
	assert_true(*hook->lost != '\0');
}

static void plan_takes_the_best_that_the_kernel_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		struct plan plan;

		print_message("%s\n", rungs[i].name);
		plan_make(&rungs[i].caps, rungs[i].stdio, &plan);
		assert_int_equal(plan.count, rungs[i].plan.count);
		for (size_t j = 0; j < plan.count; j++)
			assert_hook(&plan.hooks[j], &rungs[i].plan.hooks[j]);
	}
}

static void first_required_hook_that_failed_is_missing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++) {
		const struct plan *plan = &rungs[i].plan;
		const struct plan_hook *missing = plan_missing(plan);

		assert_string_equal(missing ? missing->hook : "", rungs[i].missing);
	}
}

static uint64_t loaded(const struct caps *caps)
{
	struct plan plan;
	uint64_t programs = 0;

	plan_make(caps, STDIO_PROBE_AUTO, &plan);
	for (int program = 0; program < PLAN_PROGRAM_COUNT; program++)
		programs |= plan_has(&plan, program) ? 1ull << program : 0;
	return programs;
}

static void only_the_chosen_programs_are_loaded(void **state)
{
	static const struct caps modern = {MODERN};
	static const struct caps fallback = {ALLOWED,
					     .sys_exit = true,
					     .syscall_tracepoints = true,
					     .perf_events = true,
					     .perfmon_opens = true,
					     .victim_is_pid = true};
	static const struct caps none = {.may_load = true};
	const uint64_t always = 1ull << PLAN_POLL_LOOP_BEGIN | 1ull << PLAN_POLL_LOOP_END |
				1ull << PLAN_POLL_FETCH | 1ull << PLAN_TOOL_CALL |
				1ull << PLAN_EXEC_CONFIRM | 1ull << PLAN_PROCESS_EXIT_LIVE |
				1ull << PLAN_TASK_SWITCH | 1ull << PLAN_SIGNAL;

	(void)state;
	assert_int_equal(loaded(&modern),
			 always | 1ull << PLAN_EXEC_PREPARE_TP | 1ull << PLAN_EXEC_FAILED |
				 1ull << PLAN_PIPE_FAILED | 1ull << PLAN_VICTIM_TASK |
				 1ull << PLAN_PIPE_READ | 1ull << PLAN_PIPE_WRITE |
				 1ull << PLAN_FILE_WRITE | 1ull << PLAN_UNIX_RECVMSG |
				 1ull << PLAN_UNIX_SENDMSG | 1ull << PLAN_FILE_READ |
				 1ull << PLAN_SHMEM_READ | 1ull << PLAN_CONNECTION_STATE |
				 1ull << PLAN_CONNECTION_GONE | 1ull << PLAN_TCP_SENDMSG |
				 1ull << PLAN_TCP_RECVMSG);
	assert_int_equal(loaded(&fallback),
			 always | 1ull << PLAN_EXEC_PREPARE_SYSCALL | 1ull << PLAN_EXEC_CALLED |
				 1ull << PLAN_EXEC_CALL_RETURNED | 1ull << PLAN_PIPE_FAILED |
				 1ull << PLAN_VICTIM_PID | 1ull << PLAN_TRANSFER_SYS_EXIT |
				 1ull << PLAN_CONNECTION_STATE | 1ull << PLAN_CONNECTION_GONE);
	assert_int_equal(loaded(&none), 0);
}

static void door_a_is_known_by_its_programs(void **state)
{
	static const struct caps modern = {MODERN};
	struct plan plan;

	(void)state;
	plan_make(&modern, STDIO_PROBE_AUTO, &plan);
	assert_true(plan_has_door_a(&plan));
	plan_make(&modern, STDIO_PROBE_SYSCALL, &plan);
	assert_false(plan_has_door_a(&plan));
}

/* A hook whose program was found to fail keeps it, for the log. */
static void program_of_a_failed_hook_is_not_loaded(void **state)
{
	struct plan plan = {{TRANSFER}, 1};

	(void)state;
	assert_true(plan_has(&plan, PLAN_TRANSFER_TRACEPOINT));
	plan.hooks[0].state = PLAN_FAILED;
	assert_false(plan_has(&plan, PLAN_TRANSFER_TRACEPOINT));
}

static uint64_t capabilities_of(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->hooks[i].hook, name) == 0)
			return plan->hooks[i].capabilities;
	}
	fail_msg("no hook %s", name);
	return 0;
}

static void hooks_take_the_capabilities_of_their_facts(void **state)
{
	static const struct caps modern = {MODERN};
	struct caps paranoid = modern;
	struct plan plan;

	(void)state;
	paranoid.perfmon_opens = false;
	plan_make(&paranoid, STDIO_PROBE_AUTO, &plan);
	assert_int_equal(capabilities_of(&plan, "exec"), CAPABILITY_BPF | CAPABILITY_PERFMON);
	assert_int_equal(capabilities_of(&plan, "exec_failed"),
			 CAPABILITY_BPF | CAPABILITY_PERFMON | CAPABILITY_DAC_READ_SEARCH |
				 CAPABILITY_SYS_ADMIN);
	plan_make(&modern, STDIO_PROBE_AUTO, &plan);
	assert_int_equal(capabilities_of(&plan, "exec"), CAPABILITY_BPF | CAPABILITY_PERFMON);
	assert_int_equal(capabilities_of(&plan, "exec_failed"),
			 CAPABILITY_BPF | CAPABILITY_PERFMON | CAPABILITY_DAC_READ_SEARCH);
	assert_int_equal(capabilities_of(&plan, "adopt"),
			 CAPABILITY_BPF | CAPABILITY_PERFMON | CAPABILITY_SYS_PTRACE);
	/* To look into servers that come. */
	assert_int_equal(plan_keeps(&plan), CAPABILITY_SYS_PTRACE);
}

static void capabilities_of_what_works_are_kept(void **state)
{
	static const struct caps old = {
		.may_load = true, RUNS_THROUGH, .btf = true, .may_lock_memory = true};
	struct plan plan;

	(void)state;
	plan_make(&old, STDIO_PROBE_AUTO, &plan);
	assert_int_equal(plan_keeps(&plan), CAPABILITY_BPF);
	plan_fail(&plan, "sandbox", "capabilities", "refused", "look");
	assert_int_equal(plan_keeps(&plan), 0);
	assert_int_equal(plan.hooks[plan.count - 2].state, PLAN_FAILED);
	assert_string_equal(plan.hooks[plan.count - 2].reason, "refused");
	assert_string_equal(plan.hooks[plan.count - 2].remedy, "look");
}

static void every_state_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(plan_state_names[PLAN_ATTACHED], "attached");
	assert_string_equal(plan_state_names[PLAN_FALLBACK], "fallback");
	assert_string_equal(plan_state_names[PLAN_FAILED], "failed");
	assert_string_equal(plan_state_names[PLAN_OFF], "off");
}

static void hook_is_found_by_its_name(void **state)
{
	static const struct caps modern = {MODERN};
	struct plan plan;

	(void)state;
	plan_make(&modern, STDIO_PROBE_AUTO, &plan);
	assert_string_equal(plan_hook(&plan, "go", "polls")->flavour, "uprobe_multi");
	assert_null(plan_hook(&plan, "stdio", "polls"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_takes_the_best_that_the_kernel_has),
		cmocka_unit_test(first_required_hook_that_failed_is_missing),
		cmocka_unit_test(only_the_chosen_programs_are_loaded),
		cmocka_unit_test(door_a_is_known_by_its_programs),
		cmocka_unit_test(program_of_a_failed_hook_is_not_loaded),
		cmocka_unit_test(hooks_take_the_capabilities_of_their_facts),
		cmocka_unit_test(capabilities_of_what_works_are_kept),
		cmocka_unit_test(hook_is_found_by_its_name),
		cmocka_unit_test(every_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
