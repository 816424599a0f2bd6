/* SPDX-License-Identifier: Apache-2.0 */
#include "span/tree.h"

#include "base/plain.h"
#include "span/summary.h"

#define NS_PER_MS_F 1e6
#define WHAT_WIDTH 30
#define WHOM_WIDTH 24
#define WHOM_WIDTH_MAX 40

static double ms(uint64_t begin_ns, uint64_t end_ns)
{
	return ((double)end_ns - (double)begin_ns) / NS_PER_MS_F;
}

static void append_value(struct buf *out, const struct span *span, const struct attribute *value,
			 size_t width)
{
	if (!value)
		plain_append(out, "", width, width);
	else if (value->type == ATTRIBUTE_INT)
		buf_printf(out, "%-*lld", (int)width, (long long)value->number);
	else
		plain_append(out, span_text(span, value), width, WHOM_WIDTH_MAX);
}

static void append_end(struct buf *out, const struct span *span)
{
	const struct attribute *end = summary_end(span);

	if (end)
		append_value(out, span, end, 0);
	else
		buf_append_cstr(out, "ok");
}

static void append_events(const struct span *span, const char *before, struct buf *out)
{
	if (span->events_count == 0)
		return;
	buf_append_cstr(out, before);
	for (size_t i = 0; i < span->events_count; i++)
		buf_printf(out, " %s +%.1f", span->events[i].name,
			   ms(span->start_ns, span->events[i].ns));
	buf_append_char(out, '\n');
}

static void append_trace(const struct span *span, struct buf *out)
{
	char id[2 * TRACE_ID_BYTES + 1];

	id_hex(span->trace.bytes, TRACE_ID_BYTES, id);
	buf_printf(out, "trace %s", id);
	if (span_id_is_set(&span->parent)) {
		id_hex(span->parent.bytes, SPAN_ID_BYTES, id);
		buf_printf(out, " under %s", id);
	}
	buf_append_char(out, '\n');
}

void tree_append(struct tree *tree, const struct span *span, const struct span_place *place,
		 struct buf *out)
{
	const char *branch = place->last ? "└─ " : "├─ ";

	if (!place->child) {
		append_trace(span, out);
		tree->root_ns = span->start_ns;
		branch = "";
	}
	buf_append_cstr(out, branch);
	plain_append(out, span->name, WHAT_WIDTH - 3 * place->child, WHAT_WIDTH);
	buf_printf(out, " %+9.1f %9.1f ms  ", ms(tree->root_ns, span->start_ns),
		   ms(span->start_ns, span->end_ns));
	append_value(out, span, summary_about(span), WHOM_WIDTH);
	buf_append_char(out, ' ');
	append_end(out, span);
	buf_append_char(out, '\n');
	append_events(span, !place->child ? "  " : place->last ? "     " : "│    ", out);
}
