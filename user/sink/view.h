/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the live page and `bunscope top` ask for: the last minutes, the state of now, the last runs. */
#include <stdint.h>

#include "base/buf.h"
#include "metric/metric.h"
#include "run/detail.h"
#include "run/report.h"

#define VIEW_STEP_MS 5000 /* of the history: 15 minutes in 180 steps */

struct view;

/* The registry, one of the families of families.h, outlives it. now_ms: Unix time. 0 or -ENOMEM. */
int view_new(const struct registry *registry, uint64_t now_ms, struct view **ret);
void view_free(struct view **owner);
/* A run is over. */
void view_run(struct view *view, const struct report *report, const struct run_detail *detail);
/* VIEW_STEP_MS have passed. */
void view_step(struct view *view, uint64_t now_ms);
/*
 * Appends /api/live, a JSON object: "agent", Unix time in ms when it began: a reader that meets another one begins
 * anew; "time"; "step_ms"; "steps_max"; "now", series as they are; and what history_write() says of its other members.
 */
void view_write_live(const struct view *view, uint64_t now_ms, uint64_t after_ms, size_t first_row,
		     struct buf *out);
/* Appends /api/runs: see recent_write(). */
void view_write_runs(const struct view *view, uint64_t realtime_ns, struct buf *out);
