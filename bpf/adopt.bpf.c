// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs that were under way when the agent started. User space names the processes, an iterator over all tasks
 * begins their runs as exec would have; what came before is not known, and the record says so.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/begin.h"
#include "bpf/run.h"

/* A pid of a pid namespace may be another process's here: the executed file's name has to be the same. */
static __always_inline bool adoptee_is(const struct adoptee *adoptee, struct task_struct *task)
{
	char name[NAME_BYTES] = {};

	if (bpf_probe_read_kernel_str(
		    name, sizeof(name),
		    BPF_CORE_READ(task, mm, exe_file, f_path.dentry, d_name.name)) < 0)
		return false;
	for (__u32 i = 0; i < NAME_BYTES; i++) {
		if (name[i] != adoptee->executable.name[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

SEC("iter/task")
int adopt_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct adoptee *adoptee;
	const struct run *run;
	__u32 tgid;

	if (!task || task->pid != task->tgid)
		return 0;
	tgid = task->tgid;
	adoptee = bpf_map_lookup_elem(&adoptees, &tgid);
	if (!adoptee || !adoptee_is(adoptee, task))
		return 0;
	if (run_find(tgid, task->start_time))
		return 0; /* its exec was seen */
	if (task->signal->live.counter == 0)
		return 0; /* its exit is behind us: it ended before we came */
	run = run_begin(task, &adoptee->executable, adoptee);
	if (!run)
		lost_count(watched_find(tgid));
	return 0;
}
