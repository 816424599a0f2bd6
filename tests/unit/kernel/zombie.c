/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/zombie.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* A child that lives until it is killed. */
struct child {
	pid_t pid;
	uint64_t start_ns;
};

/* A zombie from here on. */
static void child_end(const struct child *child)
{
	siginfo_t ended;

	assert_int_equal(kill(child->pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child->pid, &ended, WEXITED | WNOWAIT), 0);
}

static void child_reap(const struct child *child)
{
	assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
}

static void child_main(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Begun between two looks at the clock that are close enough together to say when. */
static struct child child_start(void)
{
	struct child child;
	uint64_t took_ns;

	for (;;) {
		child.start_ns = clock_monotonic_ns();
		child.pid = fork();
		if (child.pid == 0)
			child_main();
		assert_true(child.pid > 0);
		took_ns = clock_monotonic_ns() - child.start_ns;
		if (took_ns < NS_PER_MS)
			return child;
		child_end(&child);
		child_reap(&child);
	}
}

static enum zombie state_of(const struct child *child, int64_t later_ns)
{
	return zombie_state((uint32_t)child->pid, child->start_ns + (uint64_t)later_ns);
}

static void process_lives_is_a_zombie_and_is_gone(void **state)
{
	const struct child child = child_start();

	(void)state;
	assert_int_equal(state_of(&child, 0), ZOMBIE_EXITING);
	assert_true(process_exists((uint32_t)child.pid));
	child_end(&child);
	assert_int_equal(state_of(&child, 0), ZOMBIE_WAITING);
	assert_true(process_exists((uint32_t)child.pid));
	child_reap(&child);
	assert_int_equal(state_of(&child, 0), ZOMBIE_GONE);
	assert_false(process_exists((uint32_t)child.pid));
}

/* The one that was asked about is gone: its run is lost, whatever lives under its pid now. */
static void another_process_under_the_pid_is_not_it(void **state)
{
	const struct child child = child_start();

	(void)state;
	assert_int_equal(state_of(&child, NS_PER_SECOND), ZOMBIE_GONE);
	assert_int_equal(state_of(&child, -(int64_t)NS_PER_SECOND), ZOMBIE_GONE);
	assert_true(process_exists((uint32_t)child.pid));
	child_end(&child);
	assert_int_equal(state_of(&child, NS_PER_SECOND), ZOMBIE_GONE);
	child_reap(&child);
}

/* An agent without a CPU for half a second, in the middle of its look, gave up a run that went on. */
static void a_look_that_took_long_gives_nobody_up(void **state)
{
	const uint64_t slept_ns = 1000 * NS_PER_SECOND, start_ns = 50 * NS_PER_SECOND;
	const uint64_t now_ns = 60 * NS_PER_SECOND, stopped_ns = NS_PER_SECOND / 2;
	const struct {
		struct clocks clocks;
		int64_t later_ns;
		bool same;
	} cases[] = {
		{{now_ns, now_ns + slept_ns, now_ns}, 0, true},
		{{now_ns, now_ns + slept_ns, now_ns}, (int64_t)NS_PER_SECOND, false},
		{{now_ns, now_ns + slept_ns, now_ns}, -(int64_t)NS_PER_SECOND, false},
		{{now_ns, now_ns + stopped_ns + slept_ns, now_ns + stopped_ns}, 0, true},
		{{now_ns, now_ns + slept_ns, now_ns + stopped_ns}, 0, true},
		{{now_ns, now_ns + slept_ns, now_ns + stopped_ns}, (int64_t)NS_PER_SECOND, false},
		{{now_ns, now_ns + slept_ns, now_ns + stopped_ns}, -(int64_t)NS_PER_SECOND, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t boot_start_ns = start_ns + slept_ns + (uint64_t)cases[i].later_ns;

		assert_int_equal(start_is(boot_start_ns, start_ns, &cases[i].clocks),
				 cases[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_lives_is_a_zombie_and_is_gone),
		cmocka_unit_test(another_process_under_the_pid_is_not_it),
		cmocka_unit_test(a_look_that_took_long_gives_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
