/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/capability.h"

#define GOOD                                                                                       \
	{                                                                                          \
		.family = "process", .hook = "exec", .flavour = "tp_btf", .state = PLAN_ATTACHED,  \
		.required = true, .lost = "every run", .reason = "", .lacks = "", .remedy = "",    \
		.capabilities = CAPABILITY_BPF | CAPABILITY_PERFMON, .keeps = CAPABILITY_BPF,      \
	}
#define SECOND                                                                                     \
	{                                                                                          \
		.family = "stdio", .hook = "transfer", .flavour = "tp_btf",                        \
		.state = PLAN_FALLBACK, .required = true, .lost = "bytes", .reason = "slow",       \
		.lacks = "no tracefs", .remedy = "mount it",                                       \
	}
#define MISSING(required_)                                                                         \
	{                                                                                          \
		.family = "process", .hook = "oom", .flavour = "", .state = PLAN_FAILED,           \
		.required = required_, .lost = "who was killed", .reason = "no \"victim\"",        \
		.lacks = "no \"victim\"", .remedy = "use another kernel",                          \
	}
#define OFF                                                                                        \
	{                                                                                          \
		.family = "go", .hook = "polls", .flavour = "", .state = PLAN_OFF,                 \
		.lost = "polls", .reason = "not asked for", .lacks = "", .remedy = "",             \
	}

struct sample {
	struct plan plan;
	const char *error;
	enum doctor_verdict verdict;
};

static void verdict_is_the_worst_of_all(void **state)
{
	static const struct sample samples[] = {
		{{{GOOD, OFF}, 2}, "", DOCTOR_FULL},
		{{{GOOD, SECOND}, 2}, "", DOCTOR_PART},
		{{{GOOD, MISSING(false)}, 2}, "", DOCTOR_PART},
		{{{MISSING(true), GOOD}, 2}, "", DOCTOR_NONE},
		{{{GOOD}, 1}, "the kernel refused", DOCTOR_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct doctor_report report = {"6.12 x86_64", &samples[i].plan,
						     samples[i].error};

		assert_int_equal(doctor_verdict(&report), samples[i].verdict);
	}
}

static void text_says_what_is_lost_and_what_to_do(void **state)
{
	static const struct plan plan = {{GOOD, MISSING(false), SECOND, OFF}, 4};
	const struct doctor_report report = {"6.12 x86_64", &plan, ""};
	_cleanup_buf_ struct buf out = {};

	(void)state;
	doctor_text(&out, &report);
	assert_string_equal(buf_cstr(&out), "kernel: 6.12 x86_64\n"
					    "process/exec: attached by tp_btf\n"
					    "process/oom: failed: no \"victim\"\n"
					    "    lost: who was killed\n"
					    "    do:   use another kernel\n"
					    "stdio/transfer: fallback by tp_btf: slow\n"
					    "    why:  no tracefs\n"
					    "    do:   mount it\n"
					    "go/polls: off: not asked for\n"
					    "bunscope works here: in part\n"
					    "bunscope keeps of its capabilities: CAP_BPF\n");
}

/* As where no BPF program can be loaded: every hook fails for the same reason. */
static void what_helps_several_is_said_once(void **state)
{
	static const struct plan plan = {{SECOND, MISSING(true), MISSING(false), GOOD}, 4};
	const struct doctor_report report = {"6.12 x86_64", &plan, "it failed"};
	_cleanup_buf_ struct buf out = {};

	(void)state;
	doctor_text(&out, &report);
	assert_string_equal(buf_cstr(&out), "kernel: 6.12 x86_64\n"
					    "stdio/transfer: fallback by tp_btf: slow\n"
					    "    why:  no tracefs\n"
					    "    do:   mount it\n"
					    "process/oom: failed: no \"victim\"\n"
					    "    lost: who was killed\n"
					    "process/oom: failed: no \"victim\"\n"
					    "    lost: who was killed\n"
					    "process/exec: attached by tp_btf\n"
					    "process/oom and 1 more: no \"victim\"\n"
					    "    do:   use another kernel\n"
					    "bunscope works here: not at all\n"
					    "bunscope keeps of its capabilities: CAP_BPF\n"
					    "    why:  it failed\n");
}

static void json_has_all_of_it(void **state)
{
	static const struct plan plan = {{GOOD, MISSING(true)}, 2};
	const struct doctor_report report = {"6.12 x86_64", &plan, "it \"failed\""};
	_cleanup_buf_ struct buf out = {};

	(void)state;
	doctor_json(&out, &report);
	assert_string_equal(
		buf_cstr(&out),
		"{\"kernel\":\"6.12 x86_64\",\"works\":\"not at all\",\"error\":\"it "
		"\\\"failed\\\"\","
		"\"hooks\":["
		"{\"family\":\"process\",\"hook\":\"exec\",\"flavour\":\"tp_btf\","
		"\"state\":\"attached\",\"required\":true,\"reason\":\"\",\"lost\":\"every run\","
		"\"lacks\":\"\",\"remedy\":\"\",\"capabilities\":[\"CAP_PERFMON\",\"CAP_BPF\"],"
		"\"keeps\":[\"CAP_BPF\"]},"
		"{\"family\":\"process\",\"hook\":\"oom\",\"flavour\":\"\",\"state\":\"failed\","
		"\"required\":true,\"reason\":\"no \\\"victim\\\"\",\"lost\":\"who was killed\","
		"\"lacks\":\"no \\\"victim\\\"\",\"remedy\":\"use another kernel\","
		"\"capabilities\":[],\"keeps\":[]}]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict_is_the_worst_of_all),
		cmocka_unit_test(text_says_what_is_lost_and_what_to_do),
		cmocka_unit_test(what_helps_several_is_said_once),
		cmocka_unit_test(json_has_all_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
