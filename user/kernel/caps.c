/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/caps.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/cleanup.h"
#include "kernel/tracefs.h"

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

/* Loads `return 0` for a function, to see whether this kernel allows it. */
static bool fentry_loads(const struct btf *btf, const char *function)
{
	const struct bpf_insn nothing[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY);
	int id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);

	if (id < 0)
		return false;
	options.attach_btf_id = (unsigned)id;
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "caps_fentry", "GPL", nothing,
					       ARRAY_SIZE(nothing), &options);
	return fd >= 0;
}

static bool has_syscall_tracepoints(void)
{
	_cleanup_close_ int tracefs = tracefs_open();

	return tracefs >= 0 && tracefs_syscall_id(tracefs, "sys_exit_read") > 0;
}

void caps_ask(struct caps *caps)
{
	struct btf *btf = btf__load_vmlinux_btf();

	*caps = (struct caps){
		.btf = btf != NULL,
		.may_load = has_capability(CAP_SYS_ADMIN) ||
			    (has_capability(CAP_BPF) && has_capability(CAP_PERFMON)),
		.may_read_processes = has_capability(CAP_SYS_PTRACE),
		.syscall_tracepoints = has_syscall_tracepoints(),
	};
	if (!btf)
		return;
	caps->sched_prepare_exec = tracepoint_prototype(btf, "btf_trace_sched_prepare_exec");
	caps->sys_exit = tracepoint_prototype(btf, "btf_trace_sys_exit");
	caps->task_pt_regs = btf__find_by_name_kind(btf, "bpf_task_pt_regs", BTF_KIND_FUNC) > 0;
	ask_victim(btf, caps);
	caps->begin_new_exec = btf__find_by_name_kind(btf, "begin_new_exec", BTF_KIND_FUNC) > 0;
	caps->fentry = caps->begin_new_exec && fentry_loads(btf, "begin_new_exec");
	btf__free(btf);
}
