/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The span of a finished HTTP exchange that starts an execution: `task.execute_sync` and its like. Pure. */
#include "exec/report.h"
#include "span/span.h"

/* All but ids, tracestate and epoch. What was not seen is absent. */
void exec_span_build(const struct exec_report *report, struct span *ret);
