/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/polls.h"

#include <string.h>

#define MS_NS 1000000ull
#define WAIT_FIRST_NS (200 * MS_NS)
#define WAIT_MAX_NS (5000 * MS_NS)

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

/* ---- where they were not seen ---- */

/* A poll that ends the loop is near its time on the schedule, before or behind it; a deadline is anywhere. */
static uint32_t polls_of_duration(uint64_t duration_ns, bool ends_with_poll)
{
	uint64_t at_ns = 0, wait_ns = WAIT_FIRST_NS;
	uint32_t polls = 1;

	for (; wait_ns < WAIT_MAX_NS; wait_ns *= 2, polls++) {
		if (at_ns + wait_ns - (ends_with_poll ? wait_ns / 2 : 0) > duration_ns)
			return polls;
		at_ns += wait_ns;
	}
	/* Where it ends before at_ns, then by less than half of the wait that led there, 1.6 s. */
	duration_ns += ends_with_poll ? WAIT_MAX_NS / 2 : 0;
	return polls + (uint32_t)((duration_ns - at_ns) / WAIT_MAX_NS);
}

/* Without a byte of response nobody knows how it ended: an error, as the exchange is. */
static bool outcome_of_code(uint32_t code, enum poll_outcome *ret)
{
	if (code >= 200 && code < 300)
		*ret = POLL_OUTCOME_COMPLETED;
	else if (code == 408)
		*ret = POLL_OUTCOME_TIMEOUT;
	else if (code == 500 || code == 0)
		*ret = POLL_OUTCOME_ERROR;
	else
		return false;
	return true;
}

bool poll_loop_estimate(const struct exec_report *exchange, struct poll_report *ret)
{
	struct poll_report report = {
		.begin_ns = exchange->request_last_ns,
		.end_ns = exchange->response_first_ns ?: exchange->end_ns,
		.goroutine = exchange->goroutine,
		.server_pid = exchange->server_pid,
	};

	if (exchange->kind != EXEC_KIND_WORKFLOW || exchange->operation != EXEC_OPERATION_SYNC ||
	    !report.begin_ns || report.end_ns < report.begin_ns ||
	    !outcome_of_code(exchange->code, &report.outcome))
		return false;
	report.polls = polls_of_duration(report.end_ns - report.begin_ns,
					 report.outcome != POLL_OUTCOME_TIMEOUT);
	memcpy(report.exec_id, exchange->exec_id, sizeof(report.exec_id));
	memcpy(report.workflow_id, exchange->resource_id, sizeof(report.workflow_id));
	*ret = report;
	return true;
}
