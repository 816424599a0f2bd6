/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a request's body asks for, COMPOZY.md §6: `action`, and `timeout` in seconds. Both ends of the body are there;
 * nothing else of it is taken. Pure.
 */
#include "exec/report.h"
#include "include/exchange.h"

/* Members of the body itself, never of what is nested in it. What was not seen is not guessed. */
void asked_read(const struct exchange *exchange, struct asked *ret);
