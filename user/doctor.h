/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What works here, hook by hook, what is lost where it does not, and what to do about it. */
#include "base/buf.h"
#include "config.h"
#include "kernel/plan.h"

/* The exit codes. */
enum doctor_verdict { DOCTOR_FULL, DOCTOR_PART, DOCTOR_NONE };

/* The plan after trying it, in this kernel. */
struct doctor_report {
	const char *kernel; /* release and machine */
	const struct plan *plan;
	const char *error; /* why the agent would not start; "" = it would */
};

enum doctor_verdict doctor_verdict(const struct doctor_report *report);
/* `family/hook: state by flavour: reason` and a newline: also what /readyz says. */
void doctor_line(struct buf *out, const struct plan_hook *hook);
void doctor_text(struct buf *out, const struct doctor_report *report);
/* One object and a newline. */
void doctor_json(struct buf *out, const struct doctor_report *report);

/* Attaches all that the agent would, lets go of it, and appends what it saw in the form asked for. */
enum doctor_verdict doctor_examine(const struct config *config, struct buf *out);
