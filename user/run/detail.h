/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a span tells of a run beyond its report: when its steps happened, what it was allowed. Plain data
 * like the report, and without payload: of the command line only options that name permissions. Pure.
 */
#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "include/run.h"

#define PERMISSIONS_MAX 16
#define PERMISSIONS_BYTES 256
#define BUN_VERSION_BYTES 32

struct run_detail {
	/* CLOCK_MONOTONIC; 0 = not seen. */
	uint64_t exec_ns;
	uint64_t first_read_ns; /* of the request, by the run */
	uint64_t
		first_byte_ns; /* of its output, by the run; where that was not seen, by its reader */
	uint64_t signal_ns;    /* of the signal that ended it */
	uint64_t exit_ns;
	uint64_t eof_ns; /* its reader met the end of its output */
	uint32_t major_faults;
	uint32_t permissions_count;
	char permissions[PERMISSIONS_BYTES];	 /* "--allow-read", each with its NUL */
	char bun_version[BUN_VERSION_BYTES + 1]; /* "" = not known */
};

/* All but bun_version, which the record does not hold. */
void run_detail_read(const struct run *run, struct run_detail *ret);

#define BUN_VERSIONS_MAX 16

/*
 * Which version an executable is, learned where a server asks it (`bun --version`). An executable is a path
 * in a cgroup: containers have their own.
 */
struct bun_versions {
	struct bun_version {
		uint64_t cgroup_id;
		char exe[PATH_BYTES];
		char text[BUN_VERSION_BYTES + 1];
	} slots[BUN_VERSIONS_MAX];
	size_t next;
};

/* A finished record; of no use unless it is an answered `bun --version`. */
void bun_versions_learn(struct bun_versions *versions, const struct run *run);
/* "" = not known. */
void bun_versions_find(const struct bun_versions *versions, const struct run *run,
		       char ret[BUN_VERSION_BYTES + 1]);
