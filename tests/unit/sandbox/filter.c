/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* A misspelt name would be a call that is refused for no reason. */
static void every_name_is_a_call_of_some_architecture(void **state)
{
	static const uint32_t architectures[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64};

	(void)state;
	for (size_t i = 0; i < filter_rule_count; i++) {
		bool known = false;

		for (size_t j = 0; j < ARRAY_SIZE(architectures); j++)
			known |= seccomp_syscall_resolve_name_arch(architectures[j],
								   filter_rules[i].name) >= 0;
		if (!known)
			fail_msg("%s", filter_rules[i].name);
	}
}

static void what_an_attacker_would_want_is_in_no_row(void **state)
{
	static const char *const never[] = {
		"execve",  "execveat",	  "fork",	  "vfork",	    "clone3",
		"ptrace",  "mount",	  "pivot_root",	  "chroot",	    "setns",
		"unshare", "init_module", "finit_module", "kexec_load",	    "process_vm_readv",
		"chmod",   "fchmodat",	  "chown",	  "rename",	    "renameat2",
		"mknodat", "keyctl",	  "userfaultfd",  "io_uring_setup", "setuid",
		"capset",  "reboot",
	};

	(void)state;
	for (size_t i = 0; i < filter_rule_count; i++) {
		for (size_t j = 0; j < ARRAY_SIZE(never); j++)
			assert_string_not_equal(filter_rules[i].name, never[j]);
	}
}

/* The bits of what went wrong, from a process that confined itself: a filter cannot be taken off again. */
static int in_a_process(unsigned purposes, int (*try)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	/* Not _exit(): the sanitizer would look at its stack first, with calls that the filter refuses. */
	if (pid == 0)
		(void)syscall(SYS_exit_group, filter_load(purposes) == 0 ? try() : 64);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool is_refused(long result)
{
	return result == -1 && errno == ENOSYS;
}

static int make_refused_calls(void)
{
	char name[] = "true", *const arguments[] = {name, NULL};
	int wrong = 0;

	wrong |= is_refused(execve("/bin/true", arguments, NULL)) ? 0 : 1;
	wrong |= is_refused(open("/dev/null", O_WRONLY)) ? 0 : 2;
	wrong |= is_refused(kill(getpid(), SIGTERM)) ? 0 : 4;
	wrong |= is_refused(socket(AF_INET, SOCK_STREAM, 0)) ? 0 : 8;
	wrong |= mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
				 MAP_FAILED
			 ? 0
			 : 16;
	wrong |= filter_denied() == 5 ? 0 : 32;
	return wrong;
}

static void other_calls_are_refused_and_counted(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(FILTER_WEB, make_refused_calls), 0);
}

static int make_allowed_calls(void)
{
	int fd = open("/proc/self/stat", O_RDONLY);
	char byte;
	int wrong = 0;

	wrong |= fd >= 0 && read(fd, &byte, 1) == 1 && close(fd) == 0 ? 0 : 1;
	wrong |= kill(getpid(), 0) == 0 ? 0 : 2;
	wrong |= mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
				 MAP_FAILED
			 ? 0
			 : 4;
	wrong |= filter_denied() == 0 ? 0 : 8;
	return wrong;
}

static void what_the_agent_does_is_let_through(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(FILTER_WEB, make_allowed_calls), 0);
}

/* Nobody listens on port 1. A resolver that looks for what is not there is not to be refused. */
static int resolve_and_connect(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	int wrong = 0;

	wrong |= getaddrinfo("localhost", "1", &hints, &found) == 0 ? 0 : 1;
	for (const struct addrinfo *one = found; one; one = one->ai_next) {
		int fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);

		wrong |= fd >= 0 ? 0 : 2;
		wrong |= connect(fd, one->ai_addr, one->ai_addrlen) < 0 && errno != ENOSYS ? 0 : 4;
		(void)close(fd);
	}
	wrong |= getaddrinfo("no-such-host.invalid", "1", &hints, &found) != 0 ? 0 : 8;
	wrong |= filter_denied() == 0 ? 0 : 16;
	return wrong;
}

static void names_are_resolved_and_connections_made_where_asked_for(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(FILTER_CONNECT, resolve_and_connect), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_a_call_of_some_architecture),
		cmocka_unit_test(what_an_attacker_would_want_is_in_no_row),
		cmocka_unit_test(other_calls_are_refused_and_counted),
		cmocka_unit_test(what_the_agent_does_is_let_through),
		cmocka_unit_test(names_are_resolved_and_connections_made_where_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
