/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the pods of this node are called, from the kubelet or the API server: asked for when a run's pod or container
 * has no name yet, and never waited for. Wiring of user/http/, user/identity/ and the loop.
 */
#include <stdint.h>

#include "config.h"
#include "loop.h"
#include "metric/metric.h"
#include "owners.h"

/* A node's 250 pods take some 5 MB. */
#define PODS_ANSWER_BYTES_MAX (32u << 20)
#define PODS_TIMEOUT_MS 10000
/* Between two requests: at first, and at most, when names stay away or nobody answers. */
#define PODS_PAUSE_FIRST_NS (5 * 1000000000ull)
#define PODS_PAUSE_LAST_NS (60 * 1000000000ull)
#define PODS_TOKEN_BYTES_MAX 16384

struct pod_names;

/* Off, with *ret NULL, where no URL is configured. config and loop must outlive it. 0 or -errno. */
int pod_names_start(const struct config *config, struct loop *loop, struct pod_names **ret);
void pod_names_stop(struct pod_names **owner);
/* Now and then: asks, if there is something to ask for. The names go to owners, until the next call. */
void pod_names_tick(struct pod_names *names, struct owners *owners, uint64_t now_ns);
/* Sets the metric of lists; all 0 for NULL. */
void pod_names_update(const struct pod_names *names, struct registry *registry);
