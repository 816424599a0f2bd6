/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The numbers of a run that need no judgement: times, bytes, CPU, memory. */
#include <linux/types.h>

#include "include/run.h"
#include "run/report.h"

/* Fills latency, startup, cpu, main thread, memory and bytes; not has_output. */
void run_measure(const struct run *run, struct report *ret);
