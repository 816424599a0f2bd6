/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What becomes of a finished record, wherever it comes from: the kernel side, or a recording. Is it
 * Bun's, is it a run, how did it end; then the metrics move. Asks neither the system nor the time.
 */
#include <linux/types.h>
#include <stdbool.h>

#include "config.h"
#include "run/classify.h"
#include "run/version.h"
#include "sink/metrics.h"

struct intake {
	const struct patterns *exes;
	struct classify_config classify;
	struct versions versions;
	struct metrics *metrics;
};

/* What of the configuration the classification needs; it must outlive it. */
struct classify_config intake_classify(const struct config *config);
/* config and metrics must outlive it. */
void intake_init(struct intake *intake, const struct config *config, struct metrics *metrics);
/*
 * A finished record, in the order in which they finished, and whose it is: metrics_owner(). Whether it is a run; then
 * ret is its report.
 */
bool intake_run(struct intake *intake, const struct run *run, uint32_t owner, struct report *ret);
/* Whether one under way is a run, and whose: run_identify(). */
bool intake_identify(const struct intake *intake, const struct run *run, struct report *ret);
