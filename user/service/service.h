/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What systemd is told when it started the agent (Type=notify, WatchdogSec=): sd_notify(3)'s protocol. Without systemd
 * nothing happens. Not libsystemd: it makes a socket for each message, which the agent's own system call filter
 * forbids; this one is made before it.
 */
#include <stdint.h>

struct service {
	int fd;		    /* -1: nobody asked */
	uint64_t period_ns; /* between signs of life; 0: none are wanted */
	uint64_t last_ns;
};

/* From the environment. */
void service_init(struct service *service);
void service_free(struct service *service);
/* Everything is attached and served; or the configuration was read again. */
void service_ready(const struct service *service);
/* The configuration is about to be read again. now: CLOCK_MONOTONIC. */
void service_reloading(const struct service *service, uint64_t now_ns);
void service_stopping(const struct service *service);
/* At each tick of the loop: that it turns is the sign of life. */
void service_tick(struct service *service, uint64_t now_ns);
