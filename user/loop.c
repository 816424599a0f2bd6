/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "base/cleanup.h"

struct source {
	void (*ready)(void *arg);
	void *arg;
};

struct loop {
	int epoll_fd;
	int timer_fd;
	int signal_fd;
	bool stopping;
	struct source sources[LOOP_SOURCES_MAX];
	unsigned source_count;
	struct source tick;
	struct source hangup;
	struct source expired;
	int (*timeout_ms)(void *arg);
};

static void on_signal(void *arg)
{
	struct loop *loop = arg;
	struct signalfd_siginfo info;

	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		loop->hangup.ready(loop->hangup.arg);
	else
		loop->stopping = true;
}

/* For good: a second signal must not cut the end short. Makes the descriptor, or adds to its signals. */
static int signals_take(struct loop *loop, bool with_hangup)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	if (with_hangup)
		(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	int fd = signalfd(loop->signal_fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	loop->signal_fd = fd;
	return 0;
}

static int signals_watch(struct loop *loop)
{
	int r = signals_take(loop, false);

	return r < 0 ? r : loop_add(loop, loop->signal_fd, on_signal, loop);
}

int loop_hangup(struct loop *loop, void (*hangup)(void *arg), void *arg)
{
	loop->hangup = (struct source){hangup, arg};
	return signals_take(loop, true);
}

int loop_new(struct loop **ret)
{
	_cleanup_loop_ struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->timer_fd = -1;
	loop->signal_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;

	int r = signals_watch(loop);
	if (r < 0)
		return r;
	*ret = take_ptr(loop);
	return 0;
}

void loop_free(struct loop **loop)
{
	if (!*loop)
		return;
	cleanup_close(&(*loop)->timer_fd);
	cleanup_close(&(*loop)->signal_fd);
	cleanup_close(&(*loop)->epoll_fd);
	free(*loop);
	*loop = NULL;
}

int loop_add(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	if (loop->source_count == LOOP_SOURCES_MAX)
		return -ENOSPC;

	struct source *source = &loop->sources[loop->source_count];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	*source = (struct source){ready, arg};
	loop->source_count++;
	return 0;
}

static void on_timer(void *arg)
{
	struct loop *loop = arg;
	uint64_t expirations;

	if (read(loop->timer_fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		loop->tick.ready(loop->tick.arg);
}

int loop_tick(struct loop *loop, unsigned period_ms, void (*tick)(void *arg), void *arg)
{
	struct timespec period = {period_ms / 1000, (long)(period_ms % 1000) * 1000000};
	struct itimerspec timer = {.it_interval = period, .it_value = period};

	if (loop->timer_fd >= 0)
		return -EEXIST;
	loop->tick = (struct source){tick, arg};
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->timer_fd < 0)
		return -errno;
	if (timerfd_settime(loop->timer_fd, 0, &timer, NULL) < 0)
		return -errno;
	return loop_add(loop, loop->timer_fd, on_timer, loop);
}

void loop_deadline(struct loop *loop, int (*timeout_ms)(void *arg), void (*expired)(void *arg),
		   void *arg)
{
	loop->timeout_ms = timeout_ms;
	loop->expired = (struct source){expired, arg};
}

/* One wait and the callbacks it led to. */
static int loop_turn(struct loop *loop)
{
	struct epoll_event events[LOOP_SOURCES_MAX];
	int timeout_ms = loop->timeout_ms ? loop->timeout_ms(loop->expired.arg) : -1;
	int n = epoll_wait(loop->epoll_fd, events, LOOP_SOURCES_MAX, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n && !loop->stopping; i++) {
		const struct source *source = events[i].data.ptr;

		source->ready(source->arg);
	}
	/* Already due before the wait: other descriptors being busy is no reason to put it off. */
	if ((n == 0 || timeout_ms == 0) && !loop->stopping)
		loop->expired.ready(loop->expired.arg);
	return 0;
}

int loop_run(struct loop *loop)
{
	while (!loop->stopping) {
		int r = loop_turn(loop);

		if (r < 0)
			return r;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}
