/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a finished exchange was and how it ended: COMPOZY.md §6. Pure. */
#include "exec/report.h"
#include "exec/route.h"
#include "include/exchange.h"

/*
 * False when it is on none of the routes, or how it ended is not known: it is in no series then.
 */
bool exchange_judge(const struct exchange *exchange, const struct routes *routes,
		    struct exec_report *ret);
