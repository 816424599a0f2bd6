/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The span of a synchronous workflow's poll loop, `workflow.wait_completion`, an event a poll. Pure. */
#include "exec/polls.h"
#include "span/span.h"

/* All but ids, tracestate and epoch. */
void poll_span_build(const struct poll_report *report, struct span *ret);
