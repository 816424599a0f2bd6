/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope replay: the metrics that a recording's runs make. */
#include "base/buf.h"

#include "sink/metrics.h"

struct config;

/* Appends what a recording can say, once so many of its records were counted. */
void replay_write(struct metrics *metrics, uint64_t records, enum metric_format format,
		  struct buf *out);
/* Appends them to `out`. 0, or -errno with one line in `message`. */
int replay_file(const struct config *config, struct buf *out, struct buf *message);
/* Prints them. 0, or -errno once it was logged. */
int replay(const struct config *config);
