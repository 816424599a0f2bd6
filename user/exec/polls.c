/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/polls.h"

#include <string.h>

const char *const poll_outcome_names[POLL_OUTCOME_COUNT] = {
#define X(name, value) [POLL_OUTCOME_##name] = value,
	POLL_OUTCOMES(X)
#undef X
};

bool poll_loop_decode(const void *bytes, size_t n, const struct poll_loop **ret)
{
	const struct poll_loop *loop = bytes;

	if (n != sizeof(*loop) || (uintptr_t)bytes % _Alignof(struct poll_loop))
		return false;
	if (!loop->key.tgid || !loop->begin_ns || loop->exec_id_bytes > POLL_EXEC_ID_BYTES ||
	    loop->timed_out > 1 || loop->failed > 1)
		return false;
	if (loop->end_ns && loop->end_ns < loop->begin_ns)
		return false;
	*ret = loop;
	return true;
}

/* Its deadline is looked at first: then a failure is that of the last fetch. */
static enum poll_outcome outcome_of(const struct poll_loop *loop)
{
	if (loop->timed_out)
		return POLL_OUTCOME_TIMEOUT;
	return loop->failed ? POLL_OUTCOME_ERROR : POLL_OUTCOME_COMPLETED;
}

void poll_loop_report(const struct poll_loop *loop, struct poll_report *ret)
{
	struct poll_report report = {
		.outcome = outcome_of(loop),
		.begin_ns = loop->begin_ns,
		.end_ns = loop->end_ns,
		.timeout_ns = loop->timeout_ns,
		.goroutine = loop->key.goroutine,
		.server_pid = loop->key.tgid,
	};

	/* One that timed out has fetched once more. */
	report.polls = loop->fetches - (loop->timed_out && loop->fetches);
	report.times_count = report.polls < POLL_TIMES_MAX ? report.polls : POLL_TIMES_MAX;
	memcpy(report.times_ns, loop->fetch_ns, report.times_count * sizeof(*report.times_ns));
	memcpy(report.exec_id, loop->exec_id, loop->exec_id_bytes);
	if (loop->workflow_id_bytes <= POLL_WORKFLOW_ID_BYTES)
		memcpy(report.workflow_id, loop->workflow_id, loop->workflow_id_bytes);
	*ret = report;
}
