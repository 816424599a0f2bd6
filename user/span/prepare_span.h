/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The span between an agent's request and the beginning of its execution, `agent.prepare`. Pure. */
#include "exec/report.h"
#include "span/span.h"

/* All but ids, tracestate and epoch. False: no agent's, or its end was not seen; ret is untouched then. */
bool prepare_span_build(const struct exec_report *report, struct span *ret);
