/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

#define CHILD_STACK_BYTES (256 * 1024)

/* Shared with the child, which runs in this memory until it has called execve. */
struct launch {
	const struct spawn_options *options;
	const sigset_t *signals;
	uint64_t born_ns;
	int error_fd;
};

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int cgroup_enter(const char *directory)
{
	int dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = dir_fd < 0 ? -1 : openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int r = fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (dir_fd >= 0)
		close(dir_fd);
	return r;
}

static int child_prepare(const struct launch *launch)
{
	const struct spawn_options *options = launch->options;
	int r = options->cgroup ? cgroup_enter(options->cgroup) : 0;

	if (r < 0)
		return r;
	if (options->cwd && chdir(options->cwd) < 0)
		return -errno;
	for (int i = 0; i < 3; i++) {
		if (dup2(options->stdio[i], i) < 0)
			return -errno;
	}
	sigprocmask(SIG_SETMASK, launch->signals, NULL);
	execve(options->exe, (char *const *)options->argv, (char *const *)options->envp);
	return -errno;
}

static int child_main(void *context)
{
	struct launch *launch = context;
	int r;

	launch->born_ns = clock_ns();
	r = child_prepare(launch);
	if (write(launch->error_fd, &r, sizeof(r)) != sizeof(r))
		_exit(EXIT_EXEC_FAILED);
	_exit(EXIT_EXEC_FAILED);
}

/* The error pipe ends without a byte when execve worked. */
static int exec_result(int fd)
{
	int r = 0;
	ssize_t n;

	do {
		n = read(fd, &r, sizeof(r));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(r) ? r : 0;
}

static int child_clone(struct launch *launch, struct child *child)
{
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	char *stack = malloc(CHILD_STACK_BYTES);
	int r = 0;

	if (!stack)
		return -ENOMEM;
	child->before_fork_ns = clock_ns();
	child->pid = clone(child_main, stack + CHILD_STACK_BYTES, flags, launch, &child->pidfd);
	if (child->pid < 0)
		r = -errno;
	child->after_fork_ns = launch->born_ns;
	free(stack);
	return r;
}

int child_spawn(const struct spawn_options *options, struct child *ret_child)
{
	struct child child = {.pidfd = -1};
	struct launch launch = {.options = options};
	sigset_t all, before;
	int pipe_fds[2];
	int r;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	launch.signals = &before;
	launch.error_fd = pipe_fds[1];
	r = child_clone(&launch, &child);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(pipe_fds[1]);
	if (r == 0) {
		r = exec_result(pipe_fds[0]);
		if (r < 0) {
			waitpid(child.pid, NULL, 0);
			close(child.pidfd);
		}
	}
	close(pipe_fds[0]);
	*ret_child = child;
	return r;
}

int child_kill(const struct child *child)
{
	if (syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0) < 0)
		return -errno;
	return 0;
}

void probe_child_spawn(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}
