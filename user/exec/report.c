/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/report.h"

#define X(name, value) [EXEC_KIND_##name] = value,
const char *const exec_kind_names[EXEC_KIND_COUNT] = {EXEC_KINDS(X)};
#undef X
#define X(name, value) [EXEC_OPERATION_##name] = value,
const char *const exec_operation_names[EXEC_OPERATION_COUNT] = {EXEC_OPERATIONS(X)};
#undef X
#define X(name, value) [EXEC_OUTCOME_##name] = value,
const char *const exec_outcome_names[EXEC_OUTCOME_COUNT] = {EXEC_OUTCOMES(X)};
#undef X
