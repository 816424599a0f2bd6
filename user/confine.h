/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the agent gives up once it is attached. */
#include "kernel/plan.h"

/*
 * Drops the capabilities that the plan does not keep, and all calls that these purposes (enum filter_purpose)
 * do not take. Says so in the log and in the plan's hooks of the family sandbox. One thread may run.
 */
void confine(struct plan *plan, unsigned purposes);
