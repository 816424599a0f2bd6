/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/plan.h"

#include <string.h>

#include "base/cleanup.h"
#include "kernel/capability.h"

const char *const plan_state_names[] = {
	[PLAN_ATTACHED] = "attached",
	[PLAN_FALLBACK] = "fallback",
	[PLAN_FAILED] = "failed",
	[PLAN_OFF] = "off",
};

enum fact {
#define X(fact, missing, remedy) FACT_##fact,
	CAPS_FACTS(X)
#undef X
};

static const struct fact_text {
	const char *missing;
	const char *remedy;
} fact_texts[] = {
#define X(fact, missing, remedy) [FACT_##fact] = {missing, remedy},
	CAPS_FACTS(X)
#undef X
};

/*
 * What makes a fact so. tracefs is root's alone: where the agent's user may read it, that takes none.
 */
static const uint64_t fact_capabilities[] = {
	[FACT_may_load] = CAPABILITY_BPF | CAPABILITY_PERFMON,
	[FACT_may_read_processes] = CAPABILITY_SYS_PTRACE,
	[FACT_syscall_tracepoints] = CAPABILITY_DAC_READ_SEARCH,
};

#define NEEDS(fact) (1u << FACT_##fact)
/* Of every program: it is loaded with its maps, and its offsets are the running kernel's. */
#define NEEDS_ALWAYS (NEEDS(may_load) | NEEDS(btf) | NEEDS(may_lock_memory))

/* What all forms of door A have: bpf/stdio_fentry.bpf.c. */
#define NEEDS_DOOR_A (NEEDS(fentry) | NEEDS(stream_functions))
#define DOOR_A PLAN_UNIX_RECVMSG, PLAN_UNIX_SENDMSG, PLAN_FILE_READ, PLAN_SHMEM_READ

#define NEEDS_TRACEPOINTS (NEEDS(syscall_tracepoints) | NEEDS(perf_events))

#define GO_FUNCTIONS PLAN_POLL_LOOP_BEGIN, PLAN_POLL_LOOP_END, PLAN_POLL_FETCH, PLAN_TOOL_CALL
/* The same for the sockets of servers: bpf/http_fentry.bpf.c. */
#define NEEDS_TCP_A (NEEDS(fentry) | NEEDS(tcp_tracepoints) | NEEDS(tcp_functions))
#define CONNECTIONS PLAN_CONNECTION_STATE, PLAN_CONNECTION_GONE

/* One way to serve a hook. */
struct candidate {
	const char *flavour;
	unsigned needs;		   /* facts: bits NEEDS() */
	enum stdio_probe not_with; /* STDIO_PROBE_AUTO = with any */
	const char
		*price; /* what it costs to have this one; "" = nothing, it is no second choice */
	enum plan_program programs[PLAN_HOOK_PROGRAMS_MAX];
	size_t count;
	uint64_t keeps; /* capabilities that it takes for good, not only at start */
};

/* `lost`: what is missing without the hook. The candidates stand best first. */
static const struct hook {
	const char *family;
	const char *name;
	bool required;
	const char *lost;
	struct candidate candidates[PLAN_CANDIDATES_MAX];
} hooks[] = {
	/* clang-format off */
	{"process", "exec_prepare", true, "every run", {
		{"tp_btf", NEEDS(sched_prepare_exec), 0, "", {PLAN_EXEC_PREPARE_TP}, 1, 0},
		{"fentry", NEEDS(begin_new_exec) | NEEDS(fentry), STDIO_PROBE_SYSCALL, "",
		 {PLAN_EXEC_PREPARE_FENTRY}, 1, 0},
		{"tracepoint", NEEDS_TRACEPOINTS, 0,
		 "Bun is known by the path that exec is given, not by the file behind a symbolic link",
		 {PLAN_EXEC_PREPARE_SYSCALL}, 1, 0}}},
	{"process", "exec", true, "every run", {
		{"tp_btf", 0, 0, "", {PLAN_EXEC_CONFIRM}, 1, 0}}},
	{"process", "exec_failed", false, "runs that failed to start (error_kind=\"start\")", {
		{"fentry", NEEDS(fentry) | NEEDS(syscall_functions), STDIO_PROBE_SYSCALL, "",
		 {PLAN_EXECVE_RETURN, PLAN_EXECVEAT_RETURN}, 2, 0},
		{"tracepoint", NEEDS_TRACEPOINTS | NEEDS(task_pt_regs), 0, "", {PLAN_EXEC_FAILED}, 1, 0},
		{"tracepoint", NEEDS_TRACEPOINTS, 0, "", {PLAN_EXEC_CALLED, PLAN_EXEC_CALL_RETURNED}, 2, 0}}},
	{"process", "pipe_failed", false,
	 "servers that had no descriptor left for a run's pipes (error_kind=\"start\")", {
		{"fentry", NEEDS(fentry) | NEEDS(syscall_functions), STDIO_PROBE_SYSCALL, "",
		 {PLAN_PIPE2_RETURN, PLAN_SOCKETPAIR_RETURN}, 2, 0},
		{"tracepoint", NEEDS_TRACEPOINTS, 0, "", {PLAN_PIPE_FAILED}, 1, 0}}},
	{"process", "exit", true, "how and when every run ended", {
		{"tp_btf", NEEDS(exit_says_dead), 0, "", {PLAN_PROCESS_EXIT, PLAN_TASK_SWITCH}, 2, 0},
		{"tp_btf", 0, 0, "", {PLAN_PROCESS_EXIT_LIVE, PLAN_TASK_SWITCH}, 2, 0}}},
	{"process", "signal", false,
	 "who sent a signal: a kill at the deadline counts as a wait error, not as a timeout", {
		{"tp_btf", 0, 0, "", {PLAN_SIGNAL}, 1, 0}}},
	{"process", "oom", false, "OOM kills count as kills by the kernel", {
		{"tp_btf", NEEDS(victim_is_task), 0, "", {PLAN_VICTIM_TASK}, 1, 0},
		{"tp_btf", NEEDS(victim_is_pid), 0, "", {PLAN_VICTIM_PID}, 1, 0}}},
	{"process", "adopt", false, "runs that are under way when the agent starts", {
		{"iter", NEEDS(may_read_processes), 0, "", {}, 0, 0},
		{"iter", 0, 0, "of the runs under way when the agent starts, those of other users", {}, 0, 0}}},
	{"stdio", "transfer", true, "what runs read and write, and so tool and outcome", {
		{"fentry", NEEDS_DOOR_A | NEEDS(write_takes_file) | NEEDS(pipe), STDIO_PROBE_SYSCALL, "",
		 {PLAN_PIPE_READ, PLAN_PIPE_WRITE, PLAN_FILE_WRITE_6_4, DOOR_A}, 7, 0},
		{"fentry", NEEDS_DOOR_A | NEEDS(write_takes_iocb) | NEEDS(pipe), STDIO_PROBE_SYSCALL, "",
		 {PLAN_PIPE_READ, PLAN_PIPE_WRITE, PLAN_FILE_WRITE, DOOR_A}, 7, 0},
		{"fentry", NEEDS_DOOR_A | NEEDS(write_takes_iocb) | NEEDS(anon_pipe), STDIO_PROBE_SYSCALL, "",
		 {PLAN_ANON_PIPE_READ, PLAN_ANON_PIPE_WRITE, PLAN_FILE_WRITE, DOOR_A}, 7, 0},
		{"tracepoint", NEEDS_TRACEPOINTS | NEEDS(task_pt_regs), STDIO_PROBE_FENTRY, "",
		 {PLAN_TRANSFER_TRACEPOINT}, 1, 0},
		{"tp_btf", NEEDS(sys_exit), STDIO_PROBE_FENTRY, "every system call of every process pays for it",
		 {PLAN_TRANSFER_SYS_EXIT}, 1, 0}}},
	{"server", "exchange", false, "HTTP exchanges: every http_exec_* series", {
		{"fentry", NEEDS_TCP_A | NEEDS(recvmsg_takes_flags), STDIO_PROBE_SYSCALL, "",
		 {CONNECTIONS, PLAN_TCP_SENDMSG, PLAN_TCP_RECVMSG}, 4, 0},
		{"fentry", NEEDS_TCP_A | NEEDS(recvmsg_takes_nonblock), STDIO_PROBE_SYSCALL, "",
		 {CONNECTIONS, PLAN_TCP_SENDMSG, PLAN_TCP_RECVMSG_5_18}, 4, 0},
		{"syscall", NEEDS(tcp_tracepoints), STDIO_PROBE_FENTRY, "", {CONNECTIONS}, 2, 0}}},
	/* Servers come while the agent runs: their executables are read, and attached to, then. */
	{"go", "polls", false, "polls of synchronous workflows are estimated from how long they took", {
		{"uprobe_multi", NEEDS(uprobe_multi), 0, "", {GO_FUNCTIONS}, 4, CAPABILITY_SYS_PTRACE},
		{"uprobe", NEEDS(uprobes) | NEEDS(perf_events), 0, "CAP_SYS_ADMIN stays, which some of these kernels want for them",
		 {GO_FUNCTIONS}, 4, CAPABILITY_SYS_PTRACE | CAPABILITY_PERFMON | CAPABILITY_SYS_ADMIN}}},
	{"go", "goroutine", false, "which of several HTTP exchanges at once a run is for", {
		{"registers", NEEDS(task_pt_regs), 0, "", {}, 0, 0},
		{"stack", 0, 0, "", {}, 0, 0}}},
	{"sandbox", "capabilities", false, "the agent keeps all its capabilities", {
		{"dropped", NEEDS(maps_by_fd), 0, "", {}, 0, 0},
		{"dropped", 0, 0, "CAP_BPF stays, for each look into a map", {}, 0, CAPABILITY_BPF}}},
	{"sandbox", "syscalls", false, "the agent can make all system calls", {
		{"seccomp", NEEDS(seccomp), 0, "", {}, 0, 0}}},
	/* clang-format on */
};

static unsigned facts_of(const struct caps *caps)
{
	unsigned facts = 0;

#define X(fact, missing, remedy) facts |= caps->fact ? NEEDS(fact) : 0;
	CAPS_FACTS(X)
#undef X
	return facts;
}

/* The first thing that a candidate needs and the kernel lacks, NULL when it will do. */
static const struct fact_text *why_not(const struct candidate *candidate, unsigned facts)
{
	unsigned unmet = (NEEDS_ALWAYS | candidate->needs) & ~facts;

	return unmet ? &fact_texts[__builtin_ctz(unmet)] : NULL;
}

static const struct next_turn {
	enum plan_program program; /* 0 = none: the first of all is nobody's second */
	bool attached_before;
	unsigned unless; /* the fact that makes it needless */
} next_turns[PLAN_PROGRAM_COUNT] = {
#define BEFORE true, NEEDS(runs_through)
#define AFTER false, NEEDS(runs_through)
#define AFTER_CALL false, NEEDS(calls_run_through)
#define X(name, program, when) [PLAN_##name] = {PLAN_##name##_SECOND, when},
	PLAN_TWICE(X)
#undef X
#define X(name, program, when) [PLAN_##name##_SECOND] = {PLAN_##name##_THIRD, when},
		PLAN_THRICE(X)
#undef X
};

enum plan_program plan_next_turn(enum plan_program program)
{
	return next_turns[program].program ? next_turns[program].program : PLAN_PROGRAM_COUNT;
}

/* In the order in which they are attached. */
static void hook_add_turns(struct plan_hook *planned, enum plan_program program, unsigned facts)
{
	const struct next_turn *next = &next_turns[program];
	bool again = next->program && !(facts & next->unless);

	if (again && next->attached_before)
		planned->programs[planned->count++] = next->program;
	planned->programs[planned->count++] = program;
	if (again && !next->attached_before)
		hook_add_turns(planned, next->program, facts);
}

static void hook_take_turns(struct plan_hook *planned, unsigned facts)
{
	enum plan_program once[PLAN_HOOK_PROGRAMS_MAX];
	size_t count = planned->count;

	memcpy(once, planned->programs, sizeof(once));
	planned->count = 0;
	for (size_t i = 0; i < count; i++)
		hook_add_turns(planned, once[i], facts);
}

static bool is_wanted(const struct candidate *candidate, enum stdio_probe stdio)
{
	return candidate->not_with == STDIO_PROBE_AUTO || candidate->not_with != stdio;
}

static uint64_t capabilities_of(const struct candidate *candidate, unsigned facts)
{
	uint64_t capabilities = 0;

	if (candidate->needs & NEEDS(perf_events) && !(facts & NEEDS(perfmon_opens)))
		capabilities |= CAPABILITY_SYS_ADMIN;

	for (size_t fact = 0; fact < ARRAY_SIZE(fact_capabilities); fact++) {
		if ((NEEDS_ALWAYS | candidate->needs) >> fact & 1)
			capabilities |= fact_capabilities[fact];
	}
	return capabilities;
}

static void hook_choose(struct plan_hook *planned, const struct candidate *candidate)
{
	memcpy(planned->programs, candidate->programs, sizeof(planned->programs));
	planned->count = candidate->count;
	planned->flavour = candidate->flavour;
	planned->keeps = candidate->keeps;
	planned->reason = candidate->price;
	planned->state = PLAN_FALLBACK;
	if (*candidate->price)
		return;
	planned->state = PLAN_ATTACHED;
	planned->lacks = planned->remedy = "";
}

/* The first candidate that will do. */
static struct plan_hook hook_plan(const struct hook *hook, unsigned facts, enum stdio_probe stdio)
{
	struct plan_hook planned = {
		.family = hook->family,
		.hook = hook->name,
		.flavour = "",
		.state = PLAN_FAILED,
		.required = hook->required,
		.lost = hook->lost,
		.lacks = "",
		.remedy = "",
	};

	for (size_t i = 0; i < PLAN_CANDIDATES_MAX && hook->candidates[i].flavour; i++) {
		const struct candidate *candidate = &hook->candidates[i];
		const struct fact_text *unmet = why_not(candidate, facts);

		if (!is_wanted(candidate, stdio))
			continue;
		planned.capabilities = capabilities_of(candidate, facts);
		if (!unmet) {
			hook_choose(&planned, candidate);
			hook_take_turns(&planned, facts);
			return planned;
		}
		planned.reason = planned.lacks = unmet->missing;
		planned.remedy = unmet->remedy;
	}
	return planned;
}

/* Door B is the stdio family's: where that has chosen door A, nobody sees what passes through sockets. */
static void server_check_door(struct plan *plan)
{
	const struct fact_text *unmet = &fact_texts[FACT_tcp_functions];

	for (size_t i = 0; i < plan->count; i++) {
		struct plan_hook *hook = &plan->hooks[i];

		if (strcmp(hook->family, "server") != 0 || strcmp(hook->flavour, "syscall") != 0 ||
		    !plan_has_door_a(plan))
			continue;
		hook->state = PLAN_FAILED;
		hook->flavour = "";
		hook->count = 0;
		memset(hook->programs, 0, sizeof(hook->programs));
		hook->reason = hook->lacks = unmet->missing;
		hook->remedy = unmet->remedy;
	}
}

void plan_make(const struct caps *caps, enum stdio_probe stdio, struct plan *ret)
{
	struct plan plan = {.count = ARRAY_SIZE(hooks)};
	unsigned facts = facts_of(caps);

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		plan.hooks[i] = hook_plan(&hooks[i], facts, stdio);
	server_check_door(&plan);
	*ret = plan;
}

static bool is_named(const struct plan_hook *planned, const char *family, const char *hook)
{
	return strcmp(planned->family, family) == 0 && strcmp(planned->hook, hook) == 0;
}

struct plan_hook *plan_hook(struct plan *plan, const char *family, const char *hook)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (is_named(&plan->hooks[i], family, hook))
			return &plan->hooks[i];
	}
	return NULL;
}

bool plan_is_by(const struct plan *plan, const char *family, const char *hook, const char *flavour)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (is_named(&plan->hooks[i], family, hook))
			return strcmp(plan->hooks[i].flavour, flavour) == 0;
	}
	return false;
}

const struct plan_hook *plan_missing(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->hooks[i].required && plan->hooks[i].state == PLAN_FAILED)
			return &plan->hooks[i];
	}
	return NULL;
}

const char *plan_flavour(const struct plan *plan, enum plan_program program)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		for (size_t j = 0; j < hook->count; j++) {
			if (hook->state != PLAN_FAILED && hook->programs[j] == program)
				return hook->flavour;
		}
	}
	return "";
}

bool plan_has(const struct plan *plan, enum plan_program program)
{
	return *plan_flavour(plan, program);
}

bool plan_has_door_a(const struct plan *plan)
{
	return plan_has(plan, PLAN_UNIX_RECVMSG);
}

void plan_fail(struct plan *plan, const char *family, const char *name, const char *reason,
	       const char *remedy)
{
	struct plan_hook *hook = plan_hook(plan, family, name);

	if (!hook)
		return;
	hook->state = PLAN_FAILED;
	hook->reason = hook->lacks = reason;
	hook->remedy = remedy;
}

uint64_t plan_keeps(const struct plan *plan)
{
	uint64_t keeps = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		/* What is off may come: a server, for one. */
		if (hook->state != PLAN_FAILED)
			keeps |= hook->keeps;
	}
	return keeps;
}
