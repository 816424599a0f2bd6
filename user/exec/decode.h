/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The only place where bytes from the ring become a struct exchange. */
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "include/exchange.h"

/*
 * True and *ret pointing into bytes, which must outlive it: sizes, lengths and the order of times hold. One that is
 * still under way is accepted too. False leaves *ret untouched.
 */
bool exchange_decode(const void *bytes, size_t n, const struct exchange **ret);
