/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What context.WithTimeout and exec.CommandContext are in Go: a state that turns at the deadline, at the
 * caller's cancellation or when the call returns early, and a thread that then sends SIGKILL to the child.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "spawn.h"

enum context_state {
	CONTEXT_LIVE,
	CONTEXT_DEADLINE,
	CONTEXT_CANCELLED,
	CONTEXT_RETURNED, /* the call is over: kills when the child was not waited for */
};

struct context {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t watcher;
	enum context_state state;
	uint64_t deadline_ns;
	uint64_t cancel_ns; /* 0 = nobody cancels */
	uint64_t kill_ns;   /* when the watcher was about to send SIGKILL, 0 = it did not */
	struct child child;
	bool watching;
	bool waited;
};

void context_init(struct context *context, uint64_t deadline_ns, uint64_t cancel_ns);

/* Starts the thread that kills child. Call once, and context_end() after it. */
int context_watch(struct context *context, const struct child *child);

/* CONTEXT_LIVE, or why the context is done. */
enum context_state context_state(struct context *context);

/* The child was waited for: nobody kills that pid any more. */
void context_waited(struct context *context);

/* The call returns: kills the child if nobody waited for it, and ends the thread. */
void context_end(struct context *context);
