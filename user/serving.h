/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The web server of a configuration, in a loop. */
#include "web/web.h"

struct config;
struct loop;

/* config outlives it; ret_web is stopped before the loop is freed. 0, or -errno once it was logged. */
int serving_start(const struct config *config, const struct web_handlers *handlers,
		  struct loop *loop, struct web **ret_web);
