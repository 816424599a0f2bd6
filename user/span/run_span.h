/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The span of a finished run, `runtime.execute_tool`: METRICS.md's attributes and events. Pure. */
#include "run/detail.h"
#include "run/report.h"
#include "span/span.h"

/* All but ids and epoch. What was not seen is absent. */
void run_span_build(const struct report *report, const struct run_detail *detail, struct span *ret);
