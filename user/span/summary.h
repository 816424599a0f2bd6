/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Of a span's attributes, those that a reader sees first. Pure. */
#include "span/span.h"

/* Whom it is about: the tool, task, agent or workflow. NULL = it does not say. */
const struct attribute *summary_about(const struct span *span);
/* How it ended; NULL = well, and there is nothing more to say. */
const struct attribute *summary_end(const struct span *span);
