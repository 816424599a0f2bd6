/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent's spans: the tracer, its exporter and the client, put together as configured. */
#include "config.h"
#include "loop.h"
#include "metric/metric.h"
#include "sink/metrics.h"
#include "tracer.h"

struct spans;

/* Off, with *ret NULL, where no endpoint is configured. config, metrics and loop must outlive it. 0 or -errno. */
int spans_start(const struct config *config, struct metrics *metrics, struct loop *loop,
		struct spans **ret);
void spans_stop(struct spans **owner);
struct tracer *spans_tracer(struct spans *spans);
/* Sends what is left, within timeout_ms; says what could not be sent. The loop no longer runs. */
void spans_finish(struct spans *spans, unsigned timeout_ms);
/* Appends the last ones, for the live page: see span/recent_spans.h; nothing for NULL. */
void spans_write(const struct spans *spans, struct buf *out);
/* Sets the metrics of spans; all 0 for NULL. */
void spans_update(const struct spans *spans, struct registry *registry);
