/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bunscope top: the tools of a running agent, live. It asks the agent over HTTP: without privileges, without a second
 * set of probes, with what the agent already remembers, and from another machine where the agent may be asked from there.
 */
struct config;

/* Until q, SIGINT or SIGTERM; once where standard output is no terminal. 0, or -errno once it was logged. */
int top_run(const struct config *config);
