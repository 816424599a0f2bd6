/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/storm/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define LAUNCHERS_MAX 64
#define AT_ONCE_MAX 4096
#define SUCCESS_START "{\"result\":"
#define FAILURE_START "{\"result\":null,\"error\":{"

struct child {
	pid_t pid;
	int out;
	int err;
};

/* The three pipes of one child; [0] is read, [1] is written. */
struct pipes {
	int in[2];
	int out[2];
	int err[2];
};

static int pipes_open(struct pipes *pipes)
{
	if (pipe2(pipes->in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(pipes->out, O_CLOEXEC) < 0 || pipe2(pipes->err, O_CLOEXEC) < 0)
		return -errno; /* a launcher that has run out of descriptors gives up as a whole */
	return 0;
}

/* A pid that is free: a child's that is gone. The kernel gives the next ones to others. */
static pid_t free_pid(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid;
}

static void child_exec(const struct launch *launch, const struct pipes *pipes, char *const *args)
{
	if (dup2(pipes->in[0], STDIN_FILENO) >= 0 && dup2(pipes->out[1], STDOUT_FILENO) >= 0 &&
	    dup2(pipes->err[1], STDERR_FILENO) >= 0)
		(void)execve(launch->bun, args, environ);
	_exit(127);
}

/* Forks with a given pid; another where that one was taken meanwhile. */
static int spawn_as(const struct launch *launch, const struct pipes *pipes, char *const *args,
		    pid_t wanted, pid_t *ret_pid)
{
	struct clone_args clone = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&wanted,
		.set_tid_size = 1,
	};
	long pid = syscall(SYS_clone3, &clone, sizeof(clone));

	if (pid < 0 && errno == EEXIST) {
		wanted = free_pid();
		pid = syscall(SYS_clone3, &clone, sizeof(clone));
	}
	if (pid == 0)
		child_exec(launch, pipes, args);
	if (pid < 0)
		return -errno;
	*ret_pid = (pid_t)pid;
	return 0;
}

static int spawn_bun(const struct launch *launch, const struct pipes *pipes, pid_t wanted,
		     pid_t *ret_pid)
{
	const char *args[] = {"bun", "run", "--allow-read", launch->worker, NULL};
	posix_spawn_file_actions_t actions;

	if (wanted)
		return spawn_as(launch, pipes, (char *const *)args, wanted, ret_pid);

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes->in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes->err[1], STDERR_FILENO);
	int r = -posix_spawn(ret_pid, launch->bun, &actions, NULL, (char *const *)args, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void send_request(const struct launch *launch, int ordinal, int fd, struct launched *sum)
{
	char tool[64], text[512];

	if (launch->tools > 1)
		snprintf(tool, sizeof(tool), "%s_%d", launch->tool, ordinal % launch->tools);
	else
		snprintf(tool, sizeof(tool), "%s", launch->tool);
	int n = snprintf(
		text, sizeof(text),
		"{\"tool_id\":\"%s\",\"tool_exec_id\":\"%027d\",\"input\":{\"a\":1,\"b\":2},"
		"\"config\":null,\"env\":{},\"timeout_ms\":60000}",
		tool, ordinal);
	if (write(fd, text, (size_t)n) == n) /* else the reply shows a failure */
		sum->request_bytes += (uint64_t)n;
}

/* Into *child, in place of one that is over. */
static int child_start(const struct launch *launch, int ordinal, struct child *child,
		       struct launched *sum)
{
	pid_t wanted = 0, pid;
	struct pipes pipes;

	if (launch->same_pids)
		wanted = child->pid ? child->pid : free_pid();

	int r = pipes_open(&pipes);
	if (r < 0)
		return r;
	r = spawn_bun(launch, &pipes, wanted, &pid);
	close(pipes.in[0]);
	close(pipes.out[1]);
	close(pipes.err[1]);
	if (r == 0)
		send_request(launch, ordinal, pipes.in[1], sum);
	close(pipes.in[1]);
	if (r < 0) {
		close(pipes.out[0]);
		close(pipes.err[0]);
		return r;
	}
	*child = (struct child){.pid = pid, .out = pipes.out[0], .err = pipes.err[0]};
	return 0;
}

/* Keeps the first size - 1 bytes, reads on to EOF. Number of all of them. */
static uint64_t read_to_end(int fd, char *ret_text, size_t size)
{
	uint64_t bytes = 0;
	char rest[4096];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, rest, sizeof(rest))) > 0) {
		size_t room = size - 1 - len;
		size_t take = (size_t)n < room ? (size_t)n : room;
		memcpy(ret_text + len, rest, take);
		len += take;
		bytes += (uint64_t)n;
	}
	ret_text[len] = '\0';
	close(fd);
	return bytes;
}

static bool is_success(const char *reply)
{
	return strncmp(reply, SUCCESS_START, strlen(SUCCESS_START)) == 0 &&
	       strncmp(reply, FAILURE_START, strlen(FAILURE_START)) != 0;
}

static uint64_t timeval_us(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void child_finish(const struct child *child, struct launched *sum)
{
	char reply[512], errors[512];
	struct rusage usage;
	int status;

	sum->reply_bytes += read_to_end(child->out, reply, sizeof(reply));
	(void)read_to_end(child->err, errors, sizeof(errors));
	if (wait4(child->pid, &status, 0, &usage) < 0) {
		sum->failed++;
		return;
	}
	sum->cpu_us += timeval_us(usage.ru_utime) + timeval_us(usage.ru_stime);
	if (status == 0 && is_success(reply)) {
		sum->ok++;
		return;
	}
	sum->failed++;
	sum->failed_status = status;
}

/* Children in order of start: a new one takes the place of the oldest. */
static void launch_share(const struct launch *launch, int first, int step, struct launched *sum)
{
	static struct child window[AT_ONCE_MAX];
	int width = launch->at_once / launch->launchers;
	int head = 0, tail = 0;

	for (int ordinal = first; ordinal < launch->runs; ordinal += step) {
		if (head - tail == width)
			child_finish(&window[tail++ % width], sum);
		if (child_start(launch, ordinal, &window[head % width], sum) < 0)
			sum->refused++;
		else
			head++;
	}
	while (tail < head)
		child_finish(&window[tail++ % width], sum);
}

static int fork_launchers(const struct launch *launch, struct launched *sums, pid_t *pids)
{
	for (int i = 0; i < launch->launchers; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			return -errno;
		if (pids[i] == 0) {
			(void)signal(SIGPIPE, SIG_IGN);
			launch_share(launch, i, launch->launchers, &sums[i]);
			_exit(0);
		}
	}
	return 0;
}

static void add_up(const struct launched *sums, int n, struct launched *ret_launched)
{
	for (int i = 0; i < n; i++) {
		ret_launched->ok += sums[i].ok;
		ret_launched->failed += sums[i].failed;
		if (sums[i].failed)
			ret_launched->failed_status = sums[i].failed_status;
		ret_launched->refused += sums[i].refused;
		ret_launched->cpu_us += sums[i].cpu_us;
		ret_launched->request_bytes += sums[i].request_bytes;
		ret_launched->reply_bytes += sums[i].reply_bytes;
	}
}

int launch_all(const struct launch *launch, struct launched *ret_launched)
{
	struct launched total = {};
	pid_t pids[LAUNCHERS_MAX] = {};

	if (launch->launchers < 1 || launch->launchers > LAUNCHERS_MAX ||
	    launch->at_once < launch->launchers || launch->at_once > AT_ONCE_MAX)
		return -EINVAL;
	struct launched *sums = mmap(NULL, sizeof(*sums) * LAUNCHERS_MAX, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sums == MAP_FAILED)
		return -errno;

	uint64_t begin = clock_monotonic_ns();
	int r = fork_launchers(launch, sums, pids);
	for (int i = 0; i < launch->launchers; i++) {
		if (pids[i] > 0)
			(void)waitpid(pids[i], NULL, 0);
	}
	total.seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
	add_up(sums, launch->launchers, &total);
	(void)munmap(sums, sizeof(*sums) * LAUNCHERS_MAX);
	if (r == 0)
		*ret_launched = total;
	return r;
}
