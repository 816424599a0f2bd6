/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/caps.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/cleanup.h"
#include "kernel/capability.h"
#include "kernel/tracefs.h"

#define X(name) _Static_assert(CAPABILITY_##name == 1ull << CAP_##name, "as in linux/capability.h");
CAPABILITIES(X)
#undef X

#ifdef __x86_64__
#define SYSCALL_FUNCTION "__x64_sys_"
#else
#define SYSCALL_FUNCTION "__arm64_sys_"
#endif

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[capability / 32].effective & (1u << capability % 32);
}

/* The prototype of a tracepoint's handler: its first parameter is the program's own data. */
static const struct btf_type *tracepoint_prototype(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);

	if (id < 0)
		return NULL;
	const struct btf_type *pointer =
		btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type);
	return pointer && btf_is_ptr(pointer) ? btf__type_by_id(btf, pointer->type) : NULL;
}

/* The victim's pid until Linux 6.7, its task since. */
static void ask_victim(const struct btf *btf, struct caps *caps)
{
	const struct btf_type *prototype = tracepoint_prototype(btf, "btf_trace_mark_victim");

	if (!prototype || btf_vlen(prototype) < 2)
		return;
	const struct btf_type *argument = btf__type_by_id(btf, btf_params(prototype)[1].type);
	caps->victim_is_task = btf_is_ptr(argument);
	caps->victim_is_pid = !caps->victim_is_task;
}

/*
 * Loads `return 0` for the return from a function and attaches it, to see whether this kernel allows it: some
 * refuse the one, some (arm64 until 6.3) the other.
 */
static bool is_traceable(const struct btf *btf, const char *function)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);

	if (id < 0)
		return false;
	options.attach_btf_id = (unsigned)id;
	_cleanup_close_ int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "caps_fexit", "GPL",
						    nothing, ARRAY_SIZE(nothing), &options);
	if (program < 0)
		return false;
	_cleanup_close_ int link = bpf_raw_tracepoint_open(NULL, program);
	return link >= 0;
}

static bool are_traceable(const struct btf *btf, const char *const *functions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_traceable(btf, functions[i]))
			return false;
	}
	return true;
}

/* The structure that a function's first parameter points to; "" when there is none, or its fields are not known. */
static const char *first_structure(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (unsigned)id);
	const struct btf_type *prototype = type ? btf__type_by_id(btf, type->type) : NULL;

	if (!prototype || btf_vlen(prototype) == 0)
		return "";
	const struct btf_type *pointer = btf__type_by_id(btf, btf_params(prototype)[0].type);
	int target = pointer && btf_is_ptr(pointer) ? btf__resolve_type(btf, pointer->type) : -1;
	const struct btf_type *structure =
		target < 0 ? NULL : btf__type_by_id(btf, (unsigned)target);
	return structure && btf_is_struct(structure) ? btf__name_by_offset(btf, structure->name_off)
						     : "";
}

static unsigned parameters_of(const struct btf *btf, const char *function)
{
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (unsigned)id);
	const struct btf_type *prototype = type ? btf__type_by_id(btf, type->type) : NULL;

	return prototype ? btf_vlen(prototype) : 0;
}

/* What the fentry flavours need. */
static void ask_functions(const struct btf *btf, struct caps *caps)
{
	static const char *const pipe[] = {"pipe_read", "pipe_write"};
	static const char *const anon_pipe[] = {"anon_pipe_read", "anon_pipe_write"};
	static const char *const streams[] = {
		"unix_stream_recvmsg",	"unix_stream_sendmsg",	 "generic_file_read_iter",
		"shmem_file_read_iter", "generic_perform_write",
	};
	static const char *const syscalls[] = {
		SYSCALL_FUNCTION "execve",
		SYSCALL_FUNCTION "execveat",
		SYSCALL_FUNCTION "pipe2",
		SYSCALL_FUNCTION "socketpair",
	};
	static const char *const tcp[] = {"tcp_sendmsg", "tcp_recvmsg"};
	const char *write_argument = first_structure(btf, "generic_perform_write");

	caps->begin_new_exec = is_traceable(btf, "begin_new_exec");
	caps->pipe = are_traceable(btf, pipe, ARRAY_SIZE(pipe));
	caps->anon_pipe = are_traceable(btf, anon_pipe, ARRAY_SIZE(anon_pipe));
	caps->fentry = caps->begin_new_exec || caps->pipe || caps->anon_pipe;
	caps->stream_functions = caps->fentry && are_traceable(btf, streams, ARRAY_SIZE(streams));
	/* Up to 5.10 some of them know the registers' structure by its name only. */
	caps->syscall_functions = caps->fentry &&
				  are_traceable(btf, syscalls, ARRAY_SIZE(syscalls)) &&
				  *first_structure(btf, SYSCALL_FUNCTION "execve") &&
				  *first_structure(btf, SYSCALL_FUNCTION "execveat");
	caps->tcp_functions = caps->fentry && are_traceable(btf, tcp, ARRAY_SIZE(tcp));
	caps->recvmsg_takes_flags =
		parameters_of(btf, "tcp_recvmsg") == 5 || /* with the address' length */
		parameters_of(btf, "tcp_recvmsg") == 4;
	caps->recvmsg_takes_nonblock = parameters_of(btf, "tcp_recvmsg") == 6;
	caps->write_takes_file = strcmp(write_argument, "file") == 0;
	caps->write_takes_iocb = strcmp(write_argument, "kiocb") == 0;
}

static bool has_syscall_tracepoints(void)
{
	_cleanup_close_ int tracefs = tracefs_open();

	return tracefs >= 0 && tracefs_syscall_id(tracefs, "sys_exit_read") > 0;
}

/* Debian's kernels of before 6.12 ask for CAP_SYS_ADMIN where kernel.perf_event_paranoid is 3, which it is there. */
static bool opens_perf_event(int unused)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	(void)unused;
	return fd >= 0;
}

/* Whether it works with those of our capabilities alone, a bit set. */
static bool works_with(uint64_t capabilities, bool (*works)(int fd), int fd)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3],
		fewer[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	memcpy(fewer, data, sizeof(fewer));
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		fewer[i].effective &= (uint32_t)(capabilities >> (32 * i));
	if (syscall(SYS_capset, &header, fewer) < 0)
		return false;
	bool worked = works(fd);
	return syscall(SYS_capset, &header, data) == 0 && worked;
}

static bool looks_into_map(int map)
{
	int key = 0, value;

	return bpf_map_lookup_elem(map, &key, &value) == 0;
}

/* Whether who holds a map's descriptor needs no capability to look into it. */
static bool has_maps_by_fd(void)
{
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "caps_map", sizeof(int), sizeof(int), 1, NULL);

	return fd >= 0 && works_with(0, looks_into_map, fd);
}

/*
 * Whether a program on its way keeps the CPU: which of its preemption models a kernel follows was decided when it was
 * built, or when it was booted. Where that cannot be found out, it does not.
 */
static bool runs_through(void)
{
	struct utsname names;
	char modes[64] = "";

	if (uname(&names) == 0 && !strstr(names.version, "PREEMPT"))
		return true;
	_cleanup_close_ int debugfs = debugfs_open();
	_cleanup_close_ int fd =
		debugfs < 0 ? -1 : openat(debugfs, "sched/preempt", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, modes, sizeof(modes) - 1) < 0)
		return false;
	return strstr(modes, "(none)") || strstr(modes, "(voluntary)");
}

static bool has_bpf_helper(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, "bpf_func_id", BTF_KIND_ENUM);
	const struct btf_type *helpers = id > 0 ? btf__type_by_id(btf, (unsigned)id) : NULL;

	for (int i = 0; helpers && i < btf_vlen(helpers); i++) {
		if (strcmp(btf__name_by_offset(btf, btf_enum(helpers)[i].name_off), name) == 0)
			return true;
	}
	return false;
}

/* Since 5.11 a cgroup pays for maps; before, the process, and libbpf raises its limit where it may. */
static bool may_lock_memory(const struct btf *btf)
{
	struct rlimit limit;

	return has_bpf_helper(btf, "BPF_FUNC_ktime_get_coarse_ns") ||
	       has_capability(CAP_SYS_RESOURCE) ||
	       (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

static bool has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_TRAP;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void caps_ask(struct caps *caps)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *prototype;

	*caps = (struct caps){
		.btf = btf != NULL,
		.may_load = has_capability(CAP_SYS_ADMIN) ||
			    (has_capability(CAP_BPF) && has_capability(CAP_PERFMON)),
		.may_read_processes = has_capability(CAP_SYS_PTRACE),
		.syscall_tracepoints = has_syscall_tracepoints(),
		.perf_events = opens_perf_event(-1),
		.perfmon_opens = works_with(~CAPABILITY_SYS_ADMIN, opens_perf_event, -1),
		.maps_by_fd = has_maps_by_fd(),
		.runs_through = runs_through(),
		.seccomp = has_seccomp(),
		.uprobes = access("/sys/bus/event_source/devices/uprobe/type", R_OK) == 0,
	};
	if (!btf)
		return;
	caps->may_lock_memory = may_lock_memory(btf);
	/* Linux 7.2 */
	caps->calls_run_through =
		caps->runs_through ||
		btf__find_by_name_kind(btf, "trace_call_bpf_faultable", BTF_KIND_FUNC) < 0;
	caps->sched_prepare_exec = tracepoint_prototype(btf, "btf_trace_sched_prepare_exec");
	caps->sys_exit = tracepoint_prototype(btf, "btf_trace_sys_exit");
	caps->tcp_tracepoints = tracepoint_prototype(btf, "btf_trace_inet_sock_set_state") &&
				tracepoint_prototype(btf, "btf_trace_tcp_destroy_sock");
	caps->task_pt_regs = btf__find_by_name_kind(btf, "bpf_task_pt_regs", BTF_KIND_FUNC) > 0;
	caps->uprobe_multi =
		btf__find_by_name_kind(btf, "bpf_uprobe_multi_link_attach", BTF_KIND_FUNC) > 0;
	ask_victim(btf, caps);
	prototype = tracepoint_prototype(btf, "btf_trace_sched_process_exit");
	caps->exit_says_dead = prototype && btf_vlen(prototype) > 2;
	ask_functions(btf, caps);
	btf__free(btf);
}
