/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this kernel has and lets us do. Facts only: nothing is decided and nothing stays loaded. */
#include <stdbool.h>
#include <stddef.h>

/*
 * X(fact, what is said where it is not so, what to do about it): the plan is made of these, and the
 * doctor's advice too.
 */
#define CAPS_FACTS(X)                                                                              \
	X(may_load, "not allowed to load BPF programs",                                            \
	  "run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE")                          \
	X(btf, "this kernel has no BTF (/sys/kernel/btf/vmlinux)",                                 \
	  "use one built with CONFIG_DEBUG_INFO_BTF, as distributions' are")                       \
	X(may_lock_memory, "this kernel counts maps as locked memory, of which little is allowed", \
	  "raise RLIMIT_MEMLOCK (LimitMEMLOCK= of a unit), or grant CAP_SYS_RESOURCE")             \
	X(may_read_processes,                                                                      \
	  "without CAP_SYS_PTRACE /proc hides what other users' processes run",                    \
	  "grant CAP_SYS_PTRACE, or run as root")                                                  \
	X(sched_prepare_exec, "this kernel has no tracepoint sched_prepare_exec",                  \
	  "Linux 6.10 has it")                                                                     \
	X(fentry, "this kernel lets no program on to its functions (fentry)",                      \
	  "use one with CONFIG_FUNCTION_TRACER that allows them")                                  \
	X(begin_new_exec, "this kernel has no traceable begin_new_exec()", "Linux 5.8 has it")     \
	X(syscall_functions, "this kernel has no traceable functions of system calls",             \
	  "distributions' kernels have them")                                                      \
	X(stream_functions,                                                                        \
	  "this kernel has no traceable functions for Unix streams and the reading of files",      \
	  "use one built with CONFIG_UNIX=y, as distributions' are")                               \
	X(write_takes_file, "generic_perform_write() is not given a file",                         \
	  "up to Linux 6.4 it is")                                                                 \
	X(write_takes_iocb, "generic_perform_write() is not given an I/O control block",           \
	  "since Linux 6.5 it is")                                                                 \
	X(pipe, "this kernel has no traceable pipe_read() and pipe_write()",                       \
	  "up to Linux 6.14 distributions' have them")                                             \
	X(anon_pipe, "this kernel has no traceable anon_pipe_read() and anon_pipe_write()",        \
	  "since Linux 6.15 distributions' have them")                                             \
	X(runs_through, "this kernel may take the CPU away in the middle of a program",            \
	  "preempt=none or voluntary on its command line, where it knows them, is cheaper")        \
	X(calls_run_through,                                                                       \
	  "this kernel may take the CPU away in the middle of a system call's tracepoint",         \
	  "preempt=none or voluntary on its command line, where it knows them, is cheaper")        \
	X(sys_exit, "this kernel has no tracepoint sys_exit",                                      \
	  "use one built with CONFIG_HAVE_SYSCALL_TRACEPOINTS, as distributions' are")             \
	X(syscall_tracepoints, "no tracefs with events/syscalls can be read",                      \
	  "mount it at /sys/kernel/tracing, and run as root or with CAP_DAC_READ_SEARCH")          \
	X(perf_events,                                                                             \
	  "this kernel lets only CAP_SYS_ADMIN open perf events (kernel.perf_event_paranoid)",     \
	  "set kernel.perf_event_paranoid to 2, or grant CAP_SYS_ADMIN")                           \
	X(perfmon_opens, "this kernel opens perf events for CAP_SYS_ADMIN only",                   \
	  "set kernel.perf_event_paranoid to 2")                                                   \
	X(tcp_functions, "this kernel has no traceable tcp_sendmsg() and tcp_recvmsg()",           \
	  "use one built with CONFIG_INET, as distributions' are")                                 \
	X(recvmsg_takes_flags, "tcp_recvmsg() is told apart from the flags whether it may block",  \
	  "since Linux 5.19 it is not")                                                            \
	X(recvmsg_takes_nonblock, "tcp_recvmsg() is told with the flags whether it may block",     \
	  "up to Linux 5.18 it is told apart from them")                                           \
	X(tcp_tracepoints, "this kernel has no tracepoints for the state of TCP connections",      \
	  "use one built with CONFIG_INET, as distributions' are")                                 \
	X(task_pt_regs, "this kernel has no bpf_task_pt_regs()", "Linux 5.15 has it")              \
	X(exit_says_dead,                                                                          \
	  "this kernel's tracepoint sched_process_exit does not say which is last",                \
	  "Linux 6.16 has it")                                                                     \
	X(victim_is_pid, "this kernel has no tracepoint mark_victim", "distributions' kernels do") \
	X(maps_by_fd, "this kernel wants CAP_BPF for each look into a map",                        \
	  "Linux 5.19 wants it only to load")                                                      \
	X(seccomp, "this kernel filters no system calls", "use one with CONFIG_SECCOMP_FILTER")    \
	X(uprobes, "this kernel has no uprobes",                                                   \
	  "use one built with CONFIG_UPROBE_EVENTS, as distributions' are")                        \
	X(uprobe_multi, "this kernel has no uprobes of many places", "Linux 6.6 has them")         \
	X(victim_is_task, "this kernel has no tracepoint mark_victim that says whose task it is",  \
	  "Linux 6.8 has it")

struct caps {
#define X(fact, missing, remedy) bool fact;
	CAPS_FACTS(X)
#undef X
};

/* Asks the kernel. Never fails: what cannot be found out is false. */
void caps_ask(struct caps *caps);
