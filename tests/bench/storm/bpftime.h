/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the BPF programs of a process have cost, by the kernel's own account. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bpftime {
	uint64_t ns;   /* run_time_ns of all programs */
	uint64_t runs; /* run_cnt of all programs */
	int programs;
};

/* Programs that the process holds by descriptor. Counts only while bpf_enable_stats() is on. 0 or
 * -errno. */
int bpftime_of_process(pid_t pid, struct bpftime *ret_time);
/* Does it hold one of that name, cut to the kernel's 15 bytes? */
bool bpftime_has_program(pid_t pid, const char *name);
/* One line a program to stdout, the dearest ones by total time being of interest. */
void bpftime_print_programs(pid_t pid);
