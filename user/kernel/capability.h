/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The capabilities that anything here can need: bit sets, numbered as in linux/capability.h. */
#define CAPABILITY_DAC_READ_SEARCH (1ull << 2)
#define CAPABILITY_SYS_PTRACE (1ull << 19)
#define CAPABILITY_SYS_ADMIN (1ull << 21)
#define CAPABILITY_PERFMON (1ull << 38)
#define CAPABILITY_BPF (1ull << 39)

/* X(name): all of them. caps.c compares the numbers. */
#define CAPABILITIES(X)                                                                            \
	X(DAC_READ_SEARCH)                                                                         \
	X(SYS_PTRACE)                                                                              \
	X(SYS_ADMIN)                                                                               \
	X(PERFMON)                                                                                 \
	X(BPF)
