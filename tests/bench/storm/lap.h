/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the stopwatch's programs keep, one of each hook and cpu. Needs __u64 from its includer. */
#define LAPS(X)                                                                                    \
	X(TRANSFER, "transfers: ten system calls")                                                 \
	X(FAILED, "exec and pipe calls that may have failed")                                      \
	X(PREPARE, "exec, before it happens")                                                      \
	X(EXEC, "exec, when it has happened")                                                      \
	X(SIGNAL, "signals")                                                                       \
	X(EXIT, "exits of threads")                                                                \
	X(SWITCH, "context switches")

enum lap_hook {
#define X(name, text) LAP_##name,
	LAPS(X)
#undef X
		LAP_COUNT,
};

struct lap {
	__u64 began_ns;
	__u64 ns;
	__u64 calls;
};
