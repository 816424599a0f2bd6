/* SPDX-License-Identifier: Apache-2.0 */
#include "run/report.h"

#include "base/cleanup.h"

#define X(name, value) [OUTCOME_##name] = value,
const char *const outcome_names[OUTCOME_COUNT] = {OUTCOMES(X)};
#undef X
#define X(name, value) [ERROR_KIND_##name] = value,
const char *const error_kind_names[ERROR_KIND_COUNT] = {ERROR_KINDS(X)};
#undef X
#define X(name, value) [SENDER_##name] = value,
const char *const sender_names[SENDER_COUNT] = {SENDERS(X)};
#undef X

/* By the kernel's numbers, which are the same on x86-64 and arm64; 32 and 33 are the C library's
 * own. */
static const char *const signal_names[] = {
	"",
	"SIGHUP",
	"SIGINT",
	"SIGQUIT",
	"SIGILL",
	"SIGTRAP",
	"SIGABRT",
	"SIGBUS",
	"SIGFPE",
	"SIGKILL",
	"SIGUSR1",
	"SIGSEGV",
	"SIGUSR2",
	"SIGPIPE",
	"SIGALRM",
	"SIGTERM",
	"SIGSTKFLT",
	"SIGCHLD",
	"SIGCONT",
	"SIGSTOP",
	"SIGTSTP",
	"SIGTTIN",
	"SIGTTOU",
	"SIGURG",
	"SIGXCPU",
	"SIGXFSZ",
	"SIGVTALRM",
	"SIGPROF",
	"SIGWINCH",
	"SIGIO",
	"SIGPWR",
	"SIGSYS",
	"SIG32",
	"SIG33",
	"SIGRTMIN",
	"SIGRTMIN+1",
	"SIGRTMIN+2",
	"SIGRTMIN+3",
	"SIGRTMIN+4",
	"SIGRTMIN+5",
	"SIGRTMIN+6",
	"SIGRTMIN+7",
	"SIGRTMIN+8",
	"SIGRTMIN+9",
	"SIGRTMIN+10",
	"SIGRTMIN+11",
	"SIGRTMIN+12",
	"SIGRTMIN+13",
	"SIGRTMIN+14",
	"SIGRTMIN+15",
	"SIGRTMIN+16",
	"SIGRTMIN+17",
	"SIGRTMIN+18",
	"SIGRTMIN+19",
	"SIGRTMIN+20",
	"SIGRTMIN+21",
	"SIGRTMIN+22",
	"SIGRTMIN+23",
	"SIGRTMIN+24",
	"SIGRTMIN+25",
	"SIGRTMIN+26",
	"SIGRTMIN+27",
	"SIGRTMIN+28",
	"SIGRTMIN+29",
	"SIGRTMIN+30",
};

enum error_kind report_error_kind(const struct report *report)
{
	uint32_t kinds = report->error_kinds;

	if (kinds & ~(1u << ERROR_KIND_STDERR))
		kinds &= ~(1u << ERROR_KIND_STDERR);
	return kinds ? (enum error_kind)__builtin_ctz(kinds) : ERROR_KIND_COUNT;
}

const char *signal_name(unsigned number)
{
	return number < ARRAY_SIZE(signal_names) ? signal_names[number] : "unknown";
}
