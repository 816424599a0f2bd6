/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope replay --serve: an agent's metrics, of runs that a recording holds, as they come. */

struct config;

/* Until SIGINT or SIGTERM. 0, or -errno once it was logged. */
int playback(const struct config *config);
