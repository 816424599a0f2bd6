/* SPDX-License-Identifier: Apache-2.0 */
#include "span/poll_span.h"

void poll_span_build(const struct poll_report *report, struct span *ret)
{
	const char *outcome = poll_outcome_names[report->outcome];
	size_t seen = report->times_count < report->polls ? report->times_count : report->polls;

	span_begin(ret, "workflow.wait_completion", report->begin_ns, report->end_ns);
	if (*report->workflow_id)
		span_add_string(ret, "workflow_id", report->workflow_id);
	if (*report->exec_id)
		span_add_string(ret, "exec_id", report->exec_id);
	span_add_int(ret, "total_iterations", report->polls);
	for (size_t i = 0; i < seen; i++)
		span_event_int(span_add_event(ret, "poll_iteration", report->times_ns[i]),
			       "attempt", i + 1);
	ret->dropped_events += (unsigned)(report->polls - seen);
	if (report->outcome == POLL_OUTCOME_COMPLETED)
		return;
	span_add_string(ret, "error.type", outcome);
	ret->status = SPAN_STATUS_ERROR;
	ret->status_message = report->outcome == POLL_OUTCOME_TIMEOUT
				      ? "the workflow had not ended by the deadline"
				      : "the workflow's state could not be read";
}
