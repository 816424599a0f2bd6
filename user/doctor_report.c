/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include "base/cleanup.h"
#include "base/escape.h"
#include "kernel/capability.h"
#include "sandbox/capabilities.h"

static const char *const verdicts[] = {
	[DOCTOR_FULL] = "in full",
	[DOCTOR_PART] = "in part",
	[DOCTOR_NONE] = "not at all",
};

enum doctor_verdict doctor_verdict(const struct doctor_report *report)
{
	enum doctor_verdict verdict = DOCTOR_FULL;

	if (*report->error || plan_missing(report->plan))
		return DOCTOR_NONE;
	for (size_t i = 0; i < report->plan->count; i++) {
		enum plan_state state = report->plan->hooks[i].state;

		if (state == PLAN_FAILED || state == PLAN_FALLBACK)
			verdict = DOCTOR_PART;
	}
	return verdict;
}

void doctor_line(struct buf *out, const struct plan_hook *hook)
{
	buf_printf(out, "%s/%s: %s%s%s%s%s\n", hook->family, hook->hook,
		   plan_state_names[hook->state], *hook->flavour ? " by " : "", hook->flavour,
		   *hook->reason ? ": " : "", hook->reason);
}

static void append_detail(struct buf *out, const char *what, const char *text)
{
	if (*text)
		buf_printf(out, "    %-5s %s\n", what, text);
}

/* ---- what to do: beside its hook, or once where several lack the same ---- */

static bool wants(const struct plan_hook *hook)
{
	return (hook->state == PLAN_FAILED || hook->state == PLAN_FALLBACK) && *hook->remedy;
}

static bool want_the_same(const struct plan_hook *one, const struct plan_hook *other)
{
	return wants(one) && wants(other) && strcmp(one->lacks, other->lacks) == 0 &&
	       strcmp(one->remedy, other->remedy) == 0;
}

/* How many of the plan's first `count` hooks want the same as this one. */
static size_t count_wanting(const struct plan *plan, size_t count, const struct plan_hook *hook)
{
	size_t same = 0;

	for (size_t i = 0; i < count; i++)
		same += want_the_same(&plan->hooks[i], hook);
	return same;
}

static void append_shared(struct buf *out, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_hook *hook = &plan->hooks[i];
		size_t count = count_wanting(plan, plan->count, hook);

		if (count < 2 || count_wanting(plan, i, hook))
			continue;
		buf_printf(out, "%s/%s and %zu more: %s\n", hook->family, hook->hook, count - 1,
			   hook->lacks);
		append_detail(out, "do:", hook->remedy);
	}
}

static void append_hook(struct buf *out, const struct plan *plan, const struct plan_hook *hook)
{
	doctor_line(out, hook);
	if (hook->state == PLAN_FAILED)
		append_detail(out, "lost:", hook->lost);
	else if (hook->state == PLAN_FALLBACK)
		append_detail(out, "why:", hook->lacks);
	if (count_wanting(plan, plan->count, hook) == 1)
		append_detail(out, "do:", hook->remedy);
}

/* What all hooks together keep of what the agent is given. */
static void append_keeps(struct buf *out, const struct plan *plan)
{
	buf_append_cstr(out, "bunscope keeps of its capabilities: ");
	capabilities_append(out, plan_keeps(plan));
	buf_append_char(out, '\n');
}

void doctor_text(struct buf *out, const struct doctor_report *report)
{
	buf_printf(out, "kernel: %s\n", report->kernel);
	for (size_t i = 0; i < report->plan->count; i++)
		append_hook(out, report->plan, &report->plan->hooks[i]);
	append_shared(out, report->plan);
	buf_printf(out, "bunscope works here: %s\n", verdicts[doctor_verdict(report)]);
	append_keeps(out, report->plan);
	append_detail(out, "why:", report->error);
}

static void json_member(struct buf *out, const char *before, const char *key, const char *value)
{
	buf_printf(out, "%s\"%s\":", before, key);
	json_append_string(out, value, strlen(value));
}

static void json_capabilities(struct buf *out, const char *key, uint64_t set)
{
	const char *comma = "";

	buf_printf(out, ",\"%s\":[", key);
#define X(name)                                                                                    \
	if (set & CAPABILITY_##name) {                                                             \
		buf_printf(out, "%s\"CAP_" #name "\"", comma);                                     \
		comma = ",";                                                                       \
	}
	CAPABILITIES(X)
#undef X
	buf_append_char(out, ']');
}

static void json_hook(struct buf *out, const struct plan_hook *hook)
{
	json_member(out, "{", "family", hook->family);
	json_member(out, ",", "hook", hook->hook);
	json_member(out, ",", "flavour", hook->flavour);
	json_member(out, ",", "state", plan_state_names[hook->state]);
	buf_printf(out, ",\"required\":%s", hook->required ? "true" : "false");
	json_member(out, ",", "reason", hook->reason);
	json_member(out, ",", "lost", hook->lost);
	json_member(out, ",", "lacks", hook->lacks);
	json_member(out, ",", "remedy", hook->remedy);
	json_capabilities(out, "capabilities", hook->capabilities);
	json_capabilities(out, "keeps", hook->keeps);
	buf_append_char(out, '}');
}

void doctor_json(struct buf *out, const struct doctor_report *report)
{
	json_member(out, "{", "kernel", report->kernel);
	json_member(out, ",", "works", verdicts[doctor_verdict(report)]);
	json_member(out, ",", "error", report->error);
	buf_append_cstr(out, ",\"hooks\":[");
	for (size_t i = 0; i < report->plan->count; i++) {
		if (i)
			buf_append_char(out, ',');
		json_hook(out, &report->plan->hooks[i]);
	}
	buf_append_cstr(out, "]}\n");
}
