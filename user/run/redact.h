/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Takes out of a record what was said in it, so that it can be kept. Request and reply become
 * synthetic ones of the same length that say only what the classification reads, the command line
 * is reduced to it, kernel addresses become 0. With the same configuration run_classify() and
 * version_is() say the same as before, of any record. Pure.
 */
#include "run/classify.h"
#include "run/reply.h"
#include "run/request.h"
#include "run/text.h"

#define REDACT_SPACE ' ' /* what fills the room behind a synthetic text */

void run_redact(struct run *run, const struct classify_config *config);

/* Its parts: the shortest text that is read like this, in the place of one of the same length. */
void redact_request(const struct request *request, struct text *text);
void redact_reply(enum reply_verdict verdict, struct text *text);
