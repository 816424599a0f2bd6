/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define ALL 0xffffffffu /* the argument is an int: its upper half is anything */

#define BASE FILTER_BASE
#define WEB FILTER_WEB
#define RECORD FILTER_RECORD
#define CONNECT FILTER_CONNECT
#define UPROBES FILTER_UPROBES

/*
 * Sorted by what they are for. Names, not numbers: an architecture that lacks one is spared the rule.
 * Not here, and that is the point: execve, fork, ptrace, mount, opening for writing, loading BPF programs,
 * executable memory, signals other than 0; and without a purpose that takes them, sockets of its own and attaching.
 */
const struct filter_rule filter_rules[] = {
	/* ends, and signals that end it */
	{BASE, "exit", 0, 0, 0},
	{BASE, "exit_group", 0, 0, 0},
	{BASE, "rt_sigreturn", 0, 0, 0},
	{BASE, "rt_sigprocmask", 0, 0, 0},
	{BASE, "rt_sigaction", 0, 0, 0},
	{BASE, "restart_syscall", 0, 0, 0},

	/* memory, none of it executable */
	{BASE, "brk", 0, 0, 0},
	{BASE, "mmap", 2, PROT_EXEC, 0},
	{BASE, "mprotect", 2, PROT_EXEC, 0},
	{BASE, "mremap", 0, 0, 0},
	{BASE, "munmap", 0, 0, 0},
	{BASE, "madvise", 0, 0, 0},

	/* threads, for detaching: clone3 cannot be looked into, the C library then takes clone */
	{BASE, "clone", 0, CLONE_THREAD, CLONE_THREAD},
	{BASE, "set_robust_list", 0, 0, 0},
	{BASE, "rseq", 0, 0, 0},
	{BASE, "futex", 0, 0, 0},
	{BASE, "gettid", 0, 0, 0},
	{BASE, "getpid", 0, 0, 0},
	{BASE, "tgkill", 0, 0, 0},
	{BASE, "sched_yield", 0, 0, 0},
	{BASE, "sched_getaffinity", 0, 0, 0},

	/* the loop */
	{BASE, "epoll_wait", 0, 0, 0},
	{BASE, "epoll_pwait", 0, 0, 0},
	{BASE, "epoll_pwait2", 0, 0, 0},
	{BASE, "epoll_ctl", 0, 0, 0},
	{BASE, "poll", 0, 0, 0},
	{BASE, "ppoll", 0, 0, 0},
	{BASE, "timerfd_settime", 0, 0, 0},
	{BASE, "read", 0, 0, 0},
	{BASE, "write", 0, 0, 0},
	{BASE, "writev", 0, 0, 0},
	{BASE, "close", 0, 0, 0},
	{BASE, "fcntl", 0, 0, 0},

	/* clocks and randomness */
	{BASE, "clock_gettime", 0, 0, 0},
	{BASE, "clock_getres", 0, 0, 0},
	{BASE, "clock_nanosleep", 0, 0, 0},
	{BASE, "nanosleep", 0, 0, 0},
	{BASE, "gettimeofday", 0, 0, 0},
	{BASE, "time", 0, 0, 0},
	{BASE, "getrandom", 0, 0, 0},

	/* what the kernel side holds: looked into by descriptor, no command that loads or attaches */
	{BASE, "bpf", 0, ALL, BPF_MAP_LOOKUP_ELEM},
	{BASE, "bpf", 0, ALL, BPF_MAP_DELETE_ELEM},
	{BASE, "bpf", 0, ALL, BPF_MAP_GET_NEXT_KEY},
	{BASE, "bpf", 0, ALL, BPF_MAP_LOOKUP_BATCH},
	{BASE, "bpf", 0, ALL, BPF_PROG_TEST_RUN},
	{BASE, "bpf", 0, ALL, BPF_OBJ_GET_INFO_BY_FD},
	{BASE, "ioctl", 1, ALL, PERF_EVENT_IOC_DISABLE},
	{BASE, "ioctl", 1, ALL, TCGETS}, /* whether the output is a terminal, and how wide */
	{BASE, "ioctl", 1, ALL, TIOCGWINSZ},

	/* /proc and files of the configuration, for reading */
	{BASE, "open", 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
	{BASE, "openat", 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
	{BASE, "pread64", 0, 0, 0},
	{BASE, "lseek", 0, 0, 0},
	{BASE, "fstat", 0, 0, 0},
	{BASE, "stat", 0, 0, 0},
	{BASE, "newfstatat", 0, 0, 0},
	{BASE, "statx", 0, 0, 0},
	{BASE, "getdents64", 0, 0, 0},
	{BASE, "readlink", 0, 0, 0},
	{BASE, "readlinkat", 0, 0, 0},
	{BASE, "kill", 1, ALL, 0}, /* whether a process is still there */
	{BASE, "prlimit64", 2, ~0ull, 0},
	{BASE, "getrlimit", 0, 0, 0},
	{BASE, "getrusage", 0, 0, 0},
	{BASE, "uname", 0, 0, 0},
	{BASE, "sysinfo", 0, 0, 0},

	/* connections that others make */
	{WEB, "accept4", 0, 0, 0},
	{WEB, "accept", 0, 0, 0},
	{WEB, "recvfrom", 0, 0, 0},
	{WEB, "recvmsg", 0, 0, 0},
	{WEB, "sendto", 0, 0, 0},
	{WEB, "sendmsg", 0, 0, 0},
	{WEB, "sendfile", 0, 0, 0},
	{WEB, "shutdown", 0, 0, 0},
	{WEB, "getsockname", 0, 0, 0},
	{WEB, "getpeername", 0, 0, 0},
	{WEB, "getsockopt", 0, 0, 0},
	{WEB, "setsockopt", 0, 0, 0},
	/* and a server in place of the one before, when certificates are read again */
	{WEB, "epoll_create1", 0, 0, 0},
	{WEB, "eventfd2", 0, 0, 0},
	{WEB, "dup", 0, 0, 0},
	{WEB, "listen", 0, 0, 0},

	/* connections that it makes: the C library's resolver, and libcurl, which resolves on a thread */
	{CONNECT, "socket", 0, ALL, AF_INET},
	{CONNECT, "socket", 0, ALL, AF_INET6},
	{CONNECT, "socket", 0, ALL, AF_UNIX},
	{CONNECT, "socket", 0, ALL, AF_NETLINK}, /* which addresses this machine has */
	{CONNECT, "socketpair", 0, ALL, AF_UNIX},
	{CONNECT, "connect", 0, 0, 0},
	{CONNECT, "bind", 0, 0, 0},
	{CONNECT, "recvfrom", 0, 0, 0},
	{CONNECT, "recvmsg", 0, 0, 0},
	{CONNECT, "sendto", 0, 0, 0},
	{CONNECT, "sendmsg", 0, 0, 0},
	{CONNECT, "sendmmsg", 0, 0, 0},
	{CONNECT, "shutdown", 0, 0, 0},
	{CONNECT, "getsockname", 0, 0, 0},
	{CONNECT, "getpeername", 0, 0, 0},
	{CONNECT, "getsockopt", 0, 0, 0},
	{CONNECT, "setsockopt", 0, 0, 0},
	{CONNECT, "ioctl", 1, ALL, FIONREAD},
	{CONNECT, "access", 0, 0, 0},
	{CONNECT, "faccessat", 0, 0, 0},
	{CONNECT, "faccessat2", 0, 0, 0},
	{CONNECT, "statfs", 0, 0, 0},
	{CONNECT, "fstatfs", 0, 0, 0},
	{CONNECT, "eventfd2", 0, 0, 0},
	{CONNECT, "pipe2", 0, 0, 0},
	{CONNECT, "getuid", 0, 0, 0},
	{CONNECT, "geteuid", 0, 0, 0},
	{CONNECT, "getgid", 0, 0, 0},
	{CONNECT, "getegid", 0, 0, 0},

	/* programs that are loaded already, on to executables that turn up */
	{UPROBES, "perf_event_open", 0, 0, 0},
	{UPROBES, "pidfd_open", 0, 0, 0},
	{UPROBES, "bpf", 0, ALL, BPF_LINK_CREATE},
	{UPROBES, "ioctl", 1, ALL, PERF_EVENT_IOC_SET_BPF},
	{UPROBES, "ioctl", 1, ALL, PERF_EVENT_IOC_ENABLE},
	{UPROBES, "access", 0, 0, 0},
	{UPROBES, "faccessat", 0, 0, 0},
	{UPROBES, "faccessat2", 0, 0, 0},

	/* the recording's file, which is open */
	{RECORD, "pwrite64", 0, 0, 0},
	{RECORD, "ftruncate", 0, 0, 0},
	{RECORD, "fdatasync", 0, 0, 0},
	{RECORD, "unlink", 0, 0, 0},
	{RECORD, "unlinkat", 0, 0, 0},
};

const size_t filter_rule_count = ARRAY_SIZE(filter_rules);
