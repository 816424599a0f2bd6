/* SPDX-License-Identifier: Apache-2.0 */
#include "span/prepare_span.h"

bool prepare_span_build(const struct exec_report *report, struct span *ret)
{
	if (report->kind != EXEC_KIND_AGENT || !report->request_last_ns ||
	    report->execution_ns < report->request_last_ns)
		return false;
	span_begin(ret, "agent.prepare", report->request_last_ns, report->execution_ns);
	if (*report->asked.action)
		span_add_string(ret, "action", report->asked.action);
	return true;
}
