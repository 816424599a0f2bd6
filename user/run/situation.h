/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How a run can end, as a table: each row of docs/fidelity.md is one line of it. */
#include <stdbool.h>
#include <stdint.h>

#include "run/command.h"
#include "run/reply.h"
#include "run/report.h"
#include "run/request.h"

/* What the situations ask about: the record, and what was read out of it. */
struct facts {
	const struct run *run;
	struct request request;
	struct command command;
	bool worker; /* speaks the worker's protocol; others are judged by how they exit alone */
	enum reply_verdict reply;
	enum sender sender;
	unsigned signal;
	unsigned status;
	uint64_t deadline_ns;
	uint64_t eof_ns; /* when the server met the end of stdout; 0 = not seen */
};

enum output_sample {
	OUTPUT_NONE,
	OUTPUT_AT_EOF, /* when stdout's end was seen, or only the run's own side counts */
	OUTPUT_SO_FAR,
};

/* What a row says of a run. */
struct situation {
	enum outcome outcome;
	enum error_kind kind; /* ERROR_KIND_COUNT = none */
	enum output_sample output;
};

/* The first row that applies; never NULL. */
const struct situation *situation_find(const struct facts *facts);
/* Row 23, beside any of the others: part of what it wrote to stderr never reached the server. */
bool stderr_was_lost(const struct facts *facts);
/* Row 20: its exec failed. */
bool never_ran(const struct facts *facts);
