/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A finished run as one line: columns for people, or a JSON object. */
#include "base/buf.h"
#include "run/report.h"

/* The columns' names. */
void tail_header(struct buf *out);
void tail_text(struct buf *out, const struct report *report);
void tail_json(struct buf *out, const struct report *report);
/* All members of that object but the pids, each behind a comma. */
void tail_json_members(struct buf *out, const struct report *report);
/* Nanoseconds as seconds, exact. */
void tail_json_seconds(struct buf *out, uint64_t ns);
