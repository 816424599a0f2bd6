/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who sent the signal that ended a run. */
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "include/run.h"
#include "run/report.h"

/* The process at the other end of the run's stdin or stdout, or its parent. */
bool run_is_server(const struct run *run, uint32_t pid);
/* signal: the fatal one. SENDER_OTHER also where nobody was seen to send it. */
enum sender run_sender(const struct run *run, unsigned signal);
