/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/recent.h"

#include "sink/tail.h"

static uint64_t after(uint64_t start_ns, uint64_t ns)
{
	return ns > start_ns ? ns - start_ns : 0;
}

void recent_add(struct recent *recent, const struct report *report, const struct run_detail *detail)
{
	struct recent_run *run = &recent->runs[recent->count++ % RECENT_RUNS];

	run->report = *report;
#define X(field, name) run->field = after(report->start_ns, detail->field);
	RECENT_STEPS(X)
#undef X
	/* An adopted run may have read before anybody looked. */
	if (!report->has_startup)
		run->first_read_ns = 0;
}

static void append_steps(struct buf *out, const struct recent_run *run)
{
	const char *comma = "";

	buf_append_cstr(out, ",\"timeline\":{");
#define X(field, name)                                                                             \
	if (run->field) {                                                                          \
		buf_printf(out, "%s\"" name "\":", comma);                                         \
		tail_json_seconds(out, run->field);                                                \
		comma = ",";                                                                       \
	}
	RECENT_STEPS(X)
#undef X
	buf_append_char(out, '}');
}

static void append_run(struct buf *out, const struct recent_run *run, uint64_t realtime_ns)
{
	buf_append_cstr(out, "{\"started\":");
	tail_json_seconds(out, realtime_ns + run->report.start_ns);
	tail_json_members(out, &run->report);
	append_steps(out, run);
	buf_append_cstr(out, "}\n");
}

void recent_write(const struct recent *recent, uint64_t realtime_ns, struct buf *out)
{
	size_t first = recent->count > RECENT_RUNS ? recent->count - RECENT_RUNS : 0;

	for (size_t i = first; i < recent->count; i++)
		append_run(out, &recent->runs[i % RECENT_RUNS], realtime_ns);
}
