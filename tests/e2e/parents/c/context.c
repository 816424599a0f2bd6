/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <time.h>

#include "context.h"

void context_init(struct context *context, uint64_t deadline_ns, uint64_t cancel_ns)
{
	pthread_condattr_t attributes;

	*context = (struct context){.deadline_ns = deadline_ns, .cancel_ns = cancel_ns};
	pthread_mutex_init(&context->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&context->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static uint64_t context_alarm_ns(const struct context *context)
{
	if (context->cancel_ns && context->cancel_ns < context->deadline_ns)
		return context->cancel_ns;
	return context->deadline_ns;
}

/* Under the lock: waits until the context is done, in whatever way. */
static void context_wait(struct context *context)
{
	uint64_t alarm_ns = context_alarm_ns(context);
	struct timespec until = {
		.tv_sec = (time_t)(alarm_ns / 1000000000u),
		.tv_nsec = (long)(alarm_ns % 1000000000u),
	};

	while (context->state == CONTEXT_LIVE && clock_ns() < alarm_ns)
		pthread_cond_timedwait(&context->changed, &context->lock, &until);
	if (context->state == CONTEXT_LIVE)
		context->state =
			alarm_ns == context->deadline_ns ? CONTEXT_DEADLINE : CONTEXT_CANCELLED;
}

static void *context_watcher(void *argument)
{
	struct context *context = argument;

	pthread_mutex_lock(&context->lock);
	context_wait(context);
	if (!context->waited) {
		context->kill_ns = clock_ns();
		child_kill(&context->child);
	}
	pthread_mutex_unlock(&context->lock);
	return NULL;
}

int context_watch(struct context *context, const struct child *child)
{
	int r;

	context->child = *child;
	r = pthread_create(&context->watcher, NULL, context_watcher, context);
	context->watching = r == 0;
	return -r;
}

enum context_state context_state(struct context *context)
{
	enum context_state state;

	pthread_mutex_lock(&context->lock);
	state = context->state;
	pthread_mutex_unlock(&context->lock);
	return state;
}

void context_waited(struct context *context)
{
	pthread_mutex_lock(&context->lock);
	context->waited = true;
	pthread_mutex_unlock(&context->lock);
}

void context_end(struct context *context)
{
	pthread_mutex_lock(&context->lock);
	if (context->state == CONTEXT_LIVE)
		context->state = CONTEXT_RETURNED;
	pthread_cond_signal(&context->changed);
	pthread_mutex_unlock(&context->lock);
	if (context->watching)
		pthread_join(context->watcher, NULL);
	pthread_cond_destroy(&context->changed);
	pthread_mutex_destroy(&context->lock);
}
