/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Processes of Go that start Bun, and what is attached inside them: the functions that poll workflows.
 * An executable is read once for all processes that run it, and let go when the last of them is gone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/probe.h"

/* Servers at once; later ones are not attached to, and logged. */
#define SERVERS_MAX 64

struct servers;

/* The plan's hook go/polls is kept at what is attached; plan and probe must outlive the result. 0 or -errno. */
int servers_new(struct probe *probe, struct plan *plan, struct servers **ret);
void servers_free(struct servers **owner);
/* This process is a server, as far as is known now; again when it may have executed another file. */
void servers_saw(struct servers *servers, uint32_t pid);
/* Whether it has been looked into of late; a process that is no Go server, until the next look again. */
bool servers_know(const struct servers *servers, uint32_t pid);
/*
 * Whether the polls of a workflow that this server has just answered are to be estimated: it has none of the functions, or
 * they cannot be attached to. The hook says so from then on, while that server lives.
 */
bool servers_estimate(struct servers *servers, uint32_t pid);
/* Lets go of those that had ended at the tick before: what they left in the ring has been read since. Their number. */
size_t servers_tick(struct servers *servers);
/* Now and then: whether a server has executed another file. */
void servers_look_again(struct servers *servers);
