/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope tail: a line for each run that ends, or a trace as a tree. */
struct config;

/* Until SIGINT or SIGTERM, or whoever read it is gone. 0, or -errno once it was logged. */
int tail(const struct config *config);
