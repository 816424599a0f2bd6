/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* From facts and configuration to an attached probe: what the agent does at start, and the doctor tries. */
#include "base/buf.h"
#include "config.h"
#include "exec/route.h"
#include "kernel/plan.h"
#include "kernel/probe.h"

/* Asks the kernel and decides. Never fails: the plan says what will not work. */
void setup_plan(const struct config *config, struct plan *ret);
/* The table of routes that was configured. 0; -EINVAL with one line in `message` that says what is wrong. */
int setup_routes(const struct config *config, struct routes *ret, struct buf *message);
/*
 * Loads and attaches what the plan says, and updates it; falls back to door B where door A was not asked for and
 * turns out not to work. 0 or -errno, with one line in `message` that
 * says what to do; nothing stays attached then.
 */
int setup_probe(const struct config *config, struct plan *plan, probe_record_fn *finished,
		void *arg, struct probe **ret, struct buf *message);
