/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* bunscope record: from finished records to a file, and what is said about it meanwhile. */
#include <stdbool.h>

#include "record/writer.h"
#include "run/classify.h"

struct config;

struct recorder {
	struct recording_writer *writer;
	struct classify_config classify;
	const char *path;
	bool payload;
	bool progress;	/* standard error is a terminal */
	uint64_t shown; /* runs that it says; 0 = none yet */
};

/* Makes the file. 0, or -errno once it was logged. */
int recorder_start(struct recorder *recorder, const struct config *config);
/* arg: the recorder. A finished record, as pipeline_sinks wants it. */
void recorder_record(void *arg, const struct run *run);
/* Now and then. 0, or -errno once nothing more can be written. */
int recorder_tick(struct recorder *recorder);
/* Closes the file and says what is in it. 0, or -errno once it was logged. */
int recorder_finish(struct recorder *recorder);
void recorder_free(struct recorder *recorder);
