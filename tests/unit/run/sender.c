/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sender.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

#define BUILD_SHELL 200u

static void sender_is_who_sent_the_fatal_signal(void **state)
{
	static const struct {
		unsigned fatal;
		unsigned sent;
		uint32_t pid;
		int code;
		bool oom;
		enum sender sender;
	} cases[] = {
		{SIGKILL, SIGKILL, BUILD_SERVER, SI_USER, false, SENDER_SERVER},
		{SIGTERM, SIGTERM, BUILD_SERVER, SI_USER, false, SENDER_SERVER},
		{SIGTERM, SIGTERM, BUILD_SERVER, SI_QUEUE, false, SENDER_SERVER},
		{SIGTERM, SIGTERM, BUILD_SHELL, SI_USER, false, SENDER_SERVER},
		{SIGKILL, SIGKILL, BUILD_STRANGER, SI_USER, false, SENDER_OTHER},
		{SIGABRT, SIGABRT, BUILD_PID, SI_TKILL, false, SENDER_SELF},
		{SIGSEGV, SIGSEGV, BUILD_PID, SEGV_MAPERR, false, SENDER_KERNEL},
		{SIGKILL, SIGKILL, BUILD_SERVER, SI_KERNEL, false, SENDER_KERNEL},
		{SIGKILL, SIGKILL, 0, SI_USER, false, SENDER_KERNEL},
		{SIGKILL, SIGKILL, BUILD_SERVER, SI_KERNEL, true, SENDER_OOM},
		{SIGKILL, 0, 0, 0, true, SENDER_OOM},
		{SIGKILL, SIGKILL, BUILD_SERVER, SI_USER, true, SENDER_SERVER},
		{SIGTERM, SIGTERM, BUILD_STRANGER, SI_USER, true, SENDER_OTHER},
		{SIGTERM, SIGHUP, BUILD_SERVER, SI_USER, false, SENDER_OTHER},
		{SIGKILL, SIGTERM, BUILD_SERVER, SI_USER, false, SENDER_OTHER},
		{SIGKILL, 0, 0, 0, false, SENDER_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run run;

		build_run(&run);
		run.parent_pid = BUILD_SHELL;
		run.oom_ns = cases[i].oom ? build_ns(1) : 0;
		build_signal(&run, 1, cases[i].sent, cases[i].pid, cases[i].code);
		if (run_sender(&run, cases[i].fatal) != cases[i].sender)
			fail_msg("case %zu", i);
	}
}

static void server_is_at_the_other_end_or_the_parent(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.parent_pid = BUILD_SHELL;
	run.stdio[STDIO_IN].peer.pid = 300;
	run.stdio[STDIO_OUT].peer.pid = 301;
	assert_true(run_is_server(&run, BUILD_SHELL));
	assert_true(run_is_server(&run, 300));
	assert_true(run_is_server(&run, 301));
	assert_false(run_is_server(&run, 0));
	assert_false(run_is_server(&run, BUILD_STRANGER));
	run.stdio[STDIO_OUT].flags = STREAM_SHARED;
	assert_false(run_is_server(&run, 301));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sender_is_who_sent_the_fatal_signal),
		cmocka_unit_test(server_is_at_the_other_end_or_the_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
