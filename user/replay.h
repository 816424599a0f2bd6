/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope replay: the metrics that a recording's runs make. */
#include "base/buf.h"

struct config;

/* Appends them to `out`. 0, or -errno with one line in `message`. */
int replay_file(const struct config *config, struct buf *out, struct buf *message);
/* Prints them. 0, or -errno once it was logged. */
int replay(const struct config *config);
