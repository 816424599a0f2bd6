/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope record: from finished records to a file, and what is said about it meanwhile. */
struct config;

/* Until SIGINT or SIGTERM, or nothing more can be written. 0, or -errno once it was logged. */
int record(const struct config *config);
