/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The agent: watches, and serves metrics, pages and spans. */
#include <stddef.h>

struct config;

/*
 * Until SIGINT or SIGTERM. SIGHUP reads the command line `args` again, with its file, and changes `config`.
 * 0, or -errno once it was logged.
 */
int serve(struct config *config, size_t arg_count, char *const *args);
