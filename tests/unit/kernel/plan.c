/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define NO_WAY "this kernel offers no way to attach it"
#define LINK_PRICE                                                                                 \
	"Bun is known by the path that exec is given, not by the file behind a symbolic link"
#define ALL_PAY                                                                                    \
	"every system call of every process pays for it; Linux 5.15 with tracefs spares them"

#define FAILED_HOOK(family_, hook_, required_)                                                     \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = "", .state = PLAN_FAILED,             \
		.required = required_, .reason = NO_WAY,                                           \
	}
#define HOOK(family_, hook_, flavour_, required_, count_, ...)                                     \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = flavour_, .required = required_,      \
		.count = count_, .programs = {__VA_ARGS__}, .state = PLAN_ATTACHED, .reason = "",  \
	}
#define FALLBACK_HOOK(family_, hook_, flavour_, price, program)                                    \
	{                                                                                          \
		.family = family_, .hook = hook_, .flavour = flavour_, .required = true,           \
		.count = 1, .programs = {program}, .state = PLAN_FALLBACK, .reason = price,        \
	}

#define PREPARE_TP HOOK("process", "exec_prepare", "tp_btf", true, 1, PLAN_EXEC_PREPARE_TP)
#define PREPARE_FENTRY HOOK("process", "exec_prepare", "fentry", true, 1, PLAN_EXEC_PREPARE_FENTRY)
#define PREPARE_SYSCALL                                                                            \
	FALLBACK_HOOK("process", "exec_prepare", "tracepoint", LINK_PRICE,                         \
		      PLAN_EXEC_PREPARE_SYSCALL)
#define PREPARE_FAILED FAILED_HOOK("process", "exec_prepare", true)
#define EXEC HOOK("process", "exec", "tp_btf", true, 1, PLAN_EXEC_CONFIRM)
#define NO_EXEC HOOK("process", "exec_failed", "tracepoint", false, 1, PLAN_EXEC_FAILED)
#define NO_EXEC_FAILED FAILED_HOOK("process", "exec_failed", false)
#define NO_PIPE HOOK("process", "pipe_failed", "tracepoint", false, 1, PLAN_PIPE_FAILED)
#define NO_PIPE_FAILED FAILED_HOOK("process", "pipe_failed", false)
#define EXIT HOOK("process", "exit", "tp_btf", true, 2, PLAN_PROCESS_EXIT, PLAN_TASK_SWITCH)
#define SIGNAL HOOK("process", "signal", "tp_btf", false, 1, PLAN_SIGNAL)
#define OOM_TASK HOOK("process", "oom", "tp_btf", false, 1, PLAN_VICTIM_TASK)
#define OOM_PID HOOK("process", "oom", "tp_btf", false, 1, PLAN_VICTIM_PID)
#define OOM_FAILED FAILED_HOOK("process", "oom", false)
#define TRANSFER HOOK("stdio", "transfer", "tracepoint", true, 1, PLAN_TRANSFER_TRACEPOINT)
#define TRANSFER_TP FALLBACK_HOOK("stdio", "transfer", "tp_btf", ALL_PAY, PLAN_TRANSFER_SYS_EXIT)
#define TRANSFER_FAILED FAILED_HOOK("stdio", "transfer", true)
#define TRANSFER_NO_FENTRY                                                                         \
	{                                                                                          \
		.family = "stdio", .hook = "transfer", .flavour = "", .state = PLAN_FAILED,        \
		.required = true, .reason = "no fentry program serves it; use --probe.stdio=auto", \
	}

#define FENTRY .begin_new_exec = true, .fentry = true
#define TRACEFS .syscall_tracepoints = true, .task_pt_regs = true
/* What Linux 6.12 on x86-64 has. */
#define MODERN                                                                                     \
	.btf = true, .may_load = true, .may_read_processes = true, .sched_prepare_exec = true,     \
	FENTRY, TRACEFS, .sys_exit = true, .victim = VICTIM_TASK

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
	 {{PREPARE_TP, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_TASK, TRANSFER}, 8},
	 ""},
	{"6.8: no sched_prepare_exec yet",
	 {.btf = true, FENTRY, TRACEFS, .sys_exit = true, .victim = VICTIM_TASK},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_TASK, TRANSFER}, 8},
	 ""},
	{"5.15: the victim is a pid",
	 {.btf = true, FENTRY, TRACEFS, .sys_exit = true, .victim = VICTIM_PID},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_PID, TRANSFER}, 8},
	 ""},
	{"5.10: no registers of a task",
	 {.btf = true, FENTRY, .syscall_tracepoints = true, .sys_exit = true, .victim = VICTIM_PID},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FENTRY, EXEC, NO_EXEC_FAILED, NO_PIPE, EXIT, SIGNAL, OOM_PID, TRANSFER_TP}, 8},
	 ""},
	{"arm64 without fentry",
	 {.btf = true, .begin_new_exec = true, TRACEFS, .sys_exit = true, .victim = VICTIM_PID},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_SYSCALL, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_PID, TRANSFER}, 8},
	 ""},
	{"the function was inlined, and there is no OOM tracepoint",
	 {.btf = true, .fentry = true, TRACEFS, .sys_exit = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_SYSCALL, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_FAILED, TRANSFER}, 8},
	 ""},
	{"no tracefs",
	 {.btf = true, .sched_prepare_exec = true, .task_pt_regs = true, .sys_exit = true},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, NO_EXEC_FAILED, NO_PIPE_FAILED, EXIT, SIGNAL, OOM_FAILED, TRANSFER_TP},
	  8},
	 ""},
	{"neither fentry nor tracefs",
	 {.btf = true, .begin_new_exec = true, .sys_exit = true, .victim = VICTIM_PID},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED, EXEC, NO_EXEC_FAILED, NO_PIPE_FAILED, EXIT, SIGNAL, OOM_PID,
	   TRANSFER_TP},
	  8},
	 "exec_prepare"},
	{"no tracepoints of system calls at all",
	 {.btf = true, .sched_prepare_exec = true, .victim = VICTIM_TASK},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_TP, EXEC, NO_EXEC_FAILED, NO_PIPE_FAILED, EXIT, SIGNAL, OOM_TASK,
	   TRANSFER_FAILED},
	  8},
	 "transfer"},
	{"no BTF",
	 {.may_load = true, TRACEFS},
	 STDIO_PROBE_AUTO,
	 {{PREPARE_FAILED, FAILED_HOOK("process", "exec", true), NO_EXEC_FAILED, NO_PIPE_FAILED,
	   FAILED_HOOK("process", "exit", true), FAILED_HOOK("process", "signal", false),
	   OOM_FAILED, TRANSFER_FAILED},
	  8},
	 "exec_prepare"},
	{"system calls asked for: no fentry anywhere",
	 {.btf = true, FENTRY, TRACEFS, .sys_exit = true, .victim = VICTIM_PID},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_SYSCALL, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_PID, TRANSFER}, 8},
	 ""},
	{"system calls asked for, which tp_btf is",
	 {MODERN},
	 STDIO_PROBE_SYSCALL,
	 {{PREPARE_TP, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_TASK, TRANSFER}, 8},
	 ""},
	{"fentry asked for, which serves no transfers",
	 {MODERN},
	 STDIO_PROBE_FENTRY,
	 {{PREPARE_TP, EXEC, NO_EXEC, NO_PIPE, EXIT, SIGNAL, OOM_TASK, TRANSFER_NO_FENTRY}, 8},
	 "transfer"},
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

static unsigned loaded(const struct caps *caps)
{
	struct plan plan;
	unsigned programs = 0;

	plan_make(caps, STDIO_PROBE_AUTO, &plan);
	for (int program = 0; program < PLAN_PROGRAM_COUNT; program++)
		programs |= plan_has(&plan, program) ? 1u << program : 0;
	return programs;
}

static void only_the_chosen_programs_are_loaded(void **state)
{
	static const struct caps modern = {MODERN};
	static const struct caps fallback = {
		.btf = true, .sys_exit = true, .syscall_tracepoints = true, .victim = VICTIM_PID};
	static const struct caps none = {.may_load = true};
	const unsigned always = 1u << PLAN_EXEC_CONFIRM | 1u << PLAN_PROCESS_EXIT |
				1u << PLAN_TASK_SWITCH | 1u << PLAN_SIGNAL;

	(void)state;
	assert_int_equal(loaded(&modern), always | 1u << PLAN_EXEC_PREPARE_TP |
						  1u << PLAN_EXEC_FAILED | 1u << PLAN_PIPE_FAILED |
						  1u << PLAN_VICTIM_TASK |
						  1u << PLAN_TRANSFER_TRACEPOINT);
	assert_int_equal(loaded(&fallback), always | 1u << PLAN_EXEC_PREPARE_SYSCALL |
						    1u << PLAN_PIPE_FAILED | 1u << PLAN_VICTIM_PID |
						    1u << PLAN_TRANSFER_SYS_EXIT);
	assert_int_equal(loaded(&none), 0);
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

static void every_state_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(plan_state_names[PLAN_ATTACHED], "attached");
	assert_string_equal(plan_state_names[PLAN_FALLBACK], "fallback");
	assert_string_equal(plan_state_names[PLAN_FAILED], "failed");
	assert_string_equal(plan_state_names[PLAN_OFF], "off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_takes_the_best_that_the_kernel_has),
		cmocka_unit_test(first_required_hook_that_failed_is_missing),
		cmocka_unit_test(only_the_chosen_programs_are_loaded),
		cmocka_unit_test(program_of_a_failed_hook_is_not_loaded),
		cmocka_unit_test(every_state_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
