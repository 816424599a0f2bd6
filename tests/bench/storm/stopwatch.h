/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A stopwatch around the programs of an agent with door B, for the benchmark's own processes alone. */
#include <linux/types.h>

#include "tests/bench/storm/lap.h"

struct stopwatch;

/* To be called before the agent starts. NULL where it cannot be: errno says why. */
struct stopwatch *stopwatch_begin(void);
/* Programs that do nothing, in the agent's place. 0 or -errno. */
int stopwatch_attach_empty(struct stopwatch *stopwatch);
/* To be called when the agent is attached: what was attached last is called last. 0 or -errno. */
int stopwatch_arm(struct stopwatch *stopwatch);
/* What was measured since it was armed, all cpus together. 0 or -errno. */
int stopwatch_read(const struct stopwatch *stopwatch, struct lap ret_laps[LAP_COUNT]);
/* Accepts NULL. */
void stopwatch_end(struct stopwatch *stopwatch);
