/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How an HTTP exchange moves the http_exec_* numbers. */
#include "exec/report.h"
#include "metric/metric.h"

/* The series of the closed label sets, at 0. */
void exec_metrics_init(struct registry *registry);
/* An exchange on an execution route is over. */
void exec_metrics_count(struct registry *registry, const struct exec_report *report);
/* The same exchange's span was exported: the example of its latency. labels and time_ns: series_exemplar(). */
void exec_metrics_exemplar(struct registry *registry, const struct exec_report *report,
			   const char *labels, uint64_t time_ns);
