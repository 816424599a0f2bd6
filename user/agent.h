/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's own metrics: bunscope_* and process_*, set at each scrape. */
#include "pipeline.h"
#include "sink/metrics.h"

/* Sets what does not change while the agent runs. started_ns: CLOCK_REALTIME. */
void agent_describe(struct registry *registry, const struct pipeline *pipeline,
		    uint64_t started_ns);
/* Sets the rest from one snapshot. */
void agent_update(struct registry *registry, const struct pipeline *pipeline,
		  const struct run_totals *totals);
/* A scrape took this long. */
void agent_scraped(struct registry *registry, uint64_t ns);
