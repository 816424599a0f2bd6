/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The way of an HTTP exchange's record: decode → judge → sinks; and the walk that sweeps up what the ring did not
 * bring. Wiring only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "exec/report.h"
#include "exec/route.h"
#include "include/counters.h"
#include "include/exchange.h"
#include "metric/metric.h"

struct probe;

struct exchanges {
	struct routes routes;
	struct registry *registry;
	void (*report)(void *arg,
		       const struct exec_report *report); /* after the metrics; may be NULL */
	void *arg;
	uint64_t swept;		/* taken by a sweep, not by the ring */
	uint64_t decode_errors; /* records that made no sense */
};

/* 0; -EINVAL with one line in `message`. The registry must outlive it. */
int exchanges_init(struct exchanges *exchanges, const struct config *config,
		   struct registry *registry, struct buf *message);
/* Whether what the ring brought is an exchange's; then it is dealt with. */
bool exchanges_record(struct exchanges *exchanges, const void *bytes, size_t n);
/* Finishes those that the ring will not bring. 0 or -errno. */
int exchanges_sweep(struct exchanges *exchanges, struct probe *probe,
		    const uint64_t counters[KERNEL_COUNTERS_COUNT], bool unasked);
