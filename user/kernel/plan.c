/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/plan.h"

#include <string.h>

#include "base/cleanup.h"

const char *const plan_state_names[] = {
	[PLAN_ATTACHED] = "attached",
	[PLAN_FALLBACK] = "fallback",
	[PLAN_FAILED] = "failed",
	[PLAN_OFF] = "off",
};

static bool has_btf(const struct caps *caps, enum stdio_probe stdio)
{
	(void)stdio;
	return caps->btf;
}

static bool has_prepare_exec(const struct caps *caps, enum stdio_probe stdio)
{
	(void)stdio;
	return caps->sched_prepare_exec;
}

static bool has_begin_new_exec(const struct caps *caps, enum stdio_probe stdio)
{
	return caps->begin_new_exec && caps->fentry && stdio != STDIO_PROBE_SYSCALL;
}

static bool has_syscall_tracepoints(const struct caps *caps, enum stdio_probe stdio)
{
	(void)stdio;
	return caps->btf && caps->syscall_tracepoints;
}

static bool has_exit_tracepoints(const struct caps *caps, enum stdio_probe stdio)
{
	return has_syscall_tracepoints(caps, stdio) && caps->task_pt_regs;
}

static bool has_transfer_tracepoints(const struct caps *caps, enum stdio_probe stdio)
{
	return has_exit_tracepoints(caps, stdio) && stdio != STDIO_PROBE_FENTRY;
}

static bool victim_is_task(const struct caps *caps, enum stdio_probe stdio)
{
	(void)stdio;
	return caps->victim == VICTIM_TASK;
}

static bool victim_is_pid(const struct caps *caps, enum stdio_probe stdio)
{
	(void)stdio;
	return caps->victim == VICTIM_PID;
}

static bool has_sys_exit(const struct caps *caps, enum stdio_probe stdio)
{
	return caps->sys_exit && stdio != STDIO_PROBE_FENTRY;
}

/* The candidates of a hook follow each other, best first. */
static const struct candidate {
	const char *family;
	const char *hook;
	const char *flavour;
	bool required;
	bool (*available)(const struct caps *caps, enum stdio_probe stdio);
	const char *price; /* what is lost with this one; "" = nothing, it is no second choice */
	enum plan_program programs[PLAN_HOOK_PROGRAMS_MAX];
	size_t count;
} candidates[] = {
	/* clang-format off */
	{"process", "exec_prepare", "tp_btf", true, has_prepare_exec, "", {PLAN_EXEC_PREPARE_TP}, 1},
	{"process", "exec_prepare", "fentry", true, has_begin_new_exec, "", {PLAN_EXEC_PREPARE_FENTRY}, 1},
	{"process", "exec_prepare", "tracepoint", true, has_syscall_tracepoints,
	 "Bun is known by the path that exec is given, not by the file behind a symbolic link",
	 {PLAN_EXEC_PREPARE_SYSCALL}, 1},
	{"process", "exec", "tp_btf", true, has_btf, "", {PLAN_EXEC_CONFIRM}, 1},
	{"process", "exec_failed", "tracepoint", false, has_exit_tracepoints, "", {PLAN_EXEC_FAILED}, 1},
	{"process", "pipe_failed", "tracepoint", false, has_syscall_tracepoints, "", {PLAN_PIPE_FAILED}, 1},
	{"process", "exit", "tp_btf", true, has_btf, "", {PLAN_PROCESS_EXIT, PLAN_TASK_SWITCH}, 2},
	{"process", "signal", "tp_btf", false, has_btf, "", {PLAN_SIGNAL}, 1},
	{"process", "oom", "tp_btf", false, victim_is_task, "", {PLAN_VICTIM_TASK}, 1},
	{"process", "oom", "tp_btf", false, victim_is_pid, "", {PLAN_VICTIM_PID}, 1},
	{"stdio", "transfer", "tracepoint", true, has_transfer_tracepoints, "", {PLAN_TRANSFER_TRACEPOINT}, 1},
	{"stdio", "transfer", "tp_btf", true, has_sys_exit,
	 "every system call of every process pays for it; Linux 5.15 with tracefs spares them",
	 {PLAN_TRANSFER_SYS_EXIT}, 1},
	/* clang-format on */
};

static bool same_hook(const struct candidate *a, const struct plan_hook *b)
{
	return strcmp(a->family, b->family) == 0 && strcmp(a->hook, b->hook) == 0;
}

/* Why none of a hook's candidates will do. */
static const char *why_none(const struct candidate *candidate, enum stdio_probe stdio)
{
	if (stdio == STDIO_PROBE_FENTRY && strcmp(candidate->family, "stdio") == 0)
		return "no fentry program serves it; use --probe.stdio=auto";
	return "this kernel offers no way to attach it";
}

static void hook_choose(struct plan_hook *hook, const struct candidate *candidate)
{
	memcpy(hook->programs, candidate->programs, sizeof(hook->programs));
	hook->count = candidate->count;
	hook->flavour = candidate->flavour;
	hook->state = *candidate->price ? PLAN_FALLBACK : PLAN_ATTACHED;
	hook->reason = candidate->price;
}

void plan_make(const struct caps *caps, enum stdio_probe stdio, struct plan *ret)
{
	struct plan plan = {};

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		const struct candidate *candidate = &candidates[i];
		struct plan_hook *hook = plan.count ? &plan.hooks[plan.count - 1] : NULL;

		if (!hook || !same_hook(candidate, hook)) {
			hook = &plan.hooks[plan.count++];
			*hook = (struct plan_hook){
				.family = candidate->family,
				.hook = candidate->hook,
				.flavour = "",
				.state = PLAN_FAILED,
				.required = candidate->required,
				.reason = why_none(candidate, stdio),
			};
		}
		if (hook->state == PLAN_FAILED && candidate->available(caps, stdio))
			hook_choose(hook, candidate);
	}
	*ret = plan;
}

const struct plan_hook *plan_missing(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->hooks[i].required && plan->hooks[i].state == PLAN_FAILED)
			return &plan->hooks[i];
	}
	return NULL;
}

bool plan_has(const struct plan *plan, enum plan_program program)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		for (size_t j = 0; j < hook->count; j++) {
			if (hook->state != PLAN_FAILED && hook->programs[j] == program)
				return true;
		}
	}
	return false;
}
