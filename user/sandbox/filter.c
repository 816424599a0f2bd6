/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <ucontext.h>

#include "base/log.h"

/* Above the numbers of today's calls; whatever is higher shares the last place. */
#define CALLS_MAX 512u

/* si_code of a SIGSYS that a filter caused: linux/signal.h has it, and the C library's headers do not. */
#define SECCOMP_TRAPPED 1

/* A signal handler has no argument of its own: these are where it counts. */
static uint64_t denied[CALLS_MAX];
static uint64_t denied_total;

static void set_result(ucontext_t *context, int error)
{
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__aarch64__)
	context->uc_mcontext.regs[0] = (uint64_t)-error;
#else
#error "say here where this architecture has a system call's result"
#endif
}

/* Runs in place of a call that was refused, and answers for it. */
static void on_denied(int number, siginfo_t *info, void *context)
{
	unsigned call = (unsigned)info->si_syscall;
	int saved = errno;

	(void)number;
	if (info->si_code != SECCOMP_TRAPPED)
		return;
	__atomic_fetch_add(&denied[call < CALLS_MAX ? call : CALLS_MAX - 1], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&denied_total, 1, __ATOMIC_RELAXED);
	set_result(context, ENOSYS);
	errno = saved;
}

static int handler_install(void)
{
	struct sigaction action = {.sa_sigaction = on_denied, .sa_flags = SA_SIGINFO | SA_NODEFER};

	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

static int rule_add(scmp_filter_ctx filter, const struct filter_rule *rule)
{
	int number = seccomp_syscall_resolve_name(rule->name);

	if (number < 0)
		return 0; /* this architecture has no such call */
	if (!rule->mask)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	return seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, number, 1,
		SCMP_CMP(rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value));
}

static int filter_fill(scmp_filter_ctx filter, unsigned purposes)
{
	/* Other threads, if there are any, are filtered too. */
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	/* A tree: the kernel looks at each call, and a list of eighty is long. */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < filter_rule_count && r == 0; i++) {
		if (filter_rules[i].purpose & purposes)
			r = rule_add(filter, &filter_rules[i]);
	}
	/* The C library makes this one with all signals blocked: a trap would end the process. */
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

int filter_load(unsigned purposes)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);

	if (!filter)
		return -ENOMEM;
	int r = handler_install();
	if (r == 0)
		r = filter_fill(filter, purposes | FILTER_BASE);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

uint64_t filter_denied(void)
{
	return __atomic_load_n(&denied_total, __ATOMIC_RELAXED);
}

static void report_call(unsigned call, uint64_t times)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);

	log_warn("the sandbox refused system call %s (%u), %llu times: please report it",
		 name ? name : "of an unknown name", call, (unsigned long long)times);
	free(name);
}

void filter_report(void)
{
	static uint64_t reported_total;
	static bool reported[CALLS_MAX];
	uint64_t total = filter_denied();

	if (total == reported_total)
		return;
	reported_total = total;
	for (unsigned call = 0; call < CALLS_MAX; call++) {
		uint64_t times = __atomic_load_n(&denied[call], __ATOMIC_RELAXED);

		if (!times || reported[call])
			continue;
		reported[call] = true;
		report_call(call, times);
	}
}
