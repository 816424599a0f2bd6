/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The one epoll loop of the one thread: descriptors, a tick, SIGINT and SIGTERM. Knows nothing of
 * who uses it. Callbacks run one after the other, from loop_run().
 */

#define LOOP_SOURCES_MAX 8 /* the ring, the web server, the tick, signals; room for more */

struct loop;

#define _cleanup_loop_ __attribute__((cleanup(loop_free)))

/* From here on SIGINT and SIGTERM wait for loop_run(): make it before what must be undone. */
int loop_new(struct loop **ret);
/* Closes what the loop opened, not the descriptors that were added. The signals stay blocked. */
void loop_free(struct loop **loop);
/* Calls ready(arg) whenever fd, which stays the caller's, is readable. 0 or -errno. */
int loop_add(struct loop *loop, int fd, void (*ready)(void *arg), void *arg);
/* Calls tick(arg) every period_ms; missed ticks are not made up for. At most one. 0 or -errno. */
int loop_tick(struct loop *loop, unsigned period_ms, void (*tick)(void *arg), void *arg);
/*
 * For a library that keeps its own deadlines: timeout_ms(arg) is asked before each wait (-1 =
 * none), and expired(arg) is called when that time has passed. At most one.
 */
void loop_deadline(struct loop *loop, int (*timeout_ms)(void *arg), void (*expired)(void *arg),
		   void *arg);
/* Calls hangup(arg) for each SIGHUP, which ends the process where this is not called. 0 or -errno. */
int loop_hangup(struct loop *loop, void (*hangup)(void *arg), void *arg);
/* Until SIGINT, SIGTERM or loop_stop(): 0. -errno when waiting fails. */
int loop_run(struct loop *loop);
/* Makes loop_run() return after the callback that runs now. */
void loop_stop(struct loop *loop);
