/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/tail.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define MS 1000000ull
#define KIND(name) (1u << ERROR_KIND_##name)

/* A run of `sum` that succeeded, with a number of its own in each field. */
static struct report report_make(void)
{
	return (struct report){
		.pid = 4711,
		.parent_pid = 100,
		.tool_id = "sum",
		.tool_exec_id = "34fQ0bZk1xYvT7mN2cR8sL5pWdA",
		.timeout_ms = 1000,
		.outcome = OUTCOME_SUCCESS,
		.exited = true,
		.has_output = true,
		.has_startup = true,
		.latency_ns = 12345678901,
		.startup_ns = 20 * MS,
		.cpu_ns = 300 * MS,
		.main_cpu_ns = 200 * MS,
		.main_runqueue_ns = 30 * MS,
		.main_wait_ns = 1,
		.max_rss_bytes = 33040000,
		.input_bytes = 150,
		.output_bytes = 120,
		.stderr_bytes = 7,
	};
}

static void assert_text(const struct report *report, const char *expected)
{
	_cleanup_buf_ struct buf out = {};

	tail_text(&out, report);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_cstr(&out), expected);
}

static void assert_json(const struct report *report, const char *expected)
{
	_cleanup_buf_ struct buf out = {};

	tail_json(&out, report);
	assert_int_equal(buf_error(&out), 0);
	assert_string_equal(buf_cstr(&out), expected);
}

#define TEXT_NUMBERS "   12345.7      20.0     300.0       150       120    33.0\n"

static void columns_stand_under_their_names(void **state)
{
	_cleanup_buf_ struct buf out = {};
	struct report report = report_make();

	(void)state;
	tail_header(&out);
	tail_text(&out, &report);
	assert_string_equal(
		buf_cstr(&out),
		"     PID TOOL                     OUTCOME  ERROR     EXIT             MS   STARTUP"
		"    CPU_MS        IN       OUT  RSS_MB\n"
		"    4711 sum                      success  -         0        " TEXT_NUMBERS);
}

static void text_says_how_it_ended(void **state)
{
	static const struct {
		enum outcome outcome;
		uint32_t kinds;
		bool exited;
		uint8_t status;
		uint8_t signal;
		const char *columns;
	} rows[] = {
		{OUTCOME_SUCCESS, 0, true, 0, 0, "success  -         0        "},
		{OUTCOME_SUCCESS, KIND(STDERR), true, 0, 0, "success  stderr    0        "},
		{OUTCOME_ERROR, KIND(WAIT), true, 255, 0, "error    wait      255      "},
		{OUTCOME_ERROR, KIND(START), false, 0, 0, "error    start     -        "},
		{OUTCOME_TIMEOUT, KIND(TIMEOUT), true, 0, SIGKILL, "timeout  timeout   SIGKILL  "},
		{OUTCOME_ERROR, KIND(WAIT), true, 0, 64, "error    wait      SIGRTMIN+30"},
		/* The kind that decided, whichever comes first in the list. */
		{OUTCOME_ERROR, KIND(STDERR) | KIND(WAIT), true, 1, 0,
		 "error    wait      1        "},
		{OUTCOME_ERROR, KIND(STDOUT) | KIND(STDERR), true, 1, 0,
		 "error    stdout    1        "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report report = report_make();
		char expected[160];

		report.outcome = rows[i].outcome;
		report.error_kinds = rows[i].kinds;
		report.exited = rows[i].exited;
		report.status = rows[i].status;
		report.signal = rows[i].signal;
		(void)snprintf(expected, sizeof(expected), "    4711 %-24s %s%s", "sum",
			       rows[i].columns, TEXT_NUMBERS);
		assert_text(&report, expected);
	}
}

static void text_of_a_tool_id_obeys_nobody(void **state)
{
	static const struct {
		const char *tool_id;
		const char *column; /* 24 characters at least */
	} rows[] = {
		{"", "                        "},
		{"a\nb\tc\r", "a?b?c?                  "},
		{"\x1b[2J\x1b]0;x\x07", "?[2J?]0;x?              "},
		{"\x7f", "?                       "},
		{"\"quoted\\\"", "\"quoted\\\"               "},
		/* U+009B is ESC [ in one character. */
		{"\xc2\x9b"
		 "2J",
		 "?2J                     "},
		{"\xc2\x80\xc2\x9f\xc2\xa0", "??\xc2\xa0                     "},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9                     "},
		{"\xe5\xb7\xa5\xf0\x9f\x94\xa7",
		 "\xe5\xb7\xa5\xf0\x9f\x94\xa7                      "},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct report report = report_make();
		char expected[200];

		(void)snprintf(report.tool_id, sizeof(report.tool_id), "%s", rows[i].tool_id);
		(void)snprintf(expected, sizeof(expected),
			       "    4711 %s success  -         0        %s", rows[i].column,
			       TEXT_NUMBERS);
		assert_text(&report, expected);
	}
}

#define JSON_HEAD                                                                                  \
	"{\"pid\":4711,\"parent_pid\":100,\"tool_id\":\"sum\","                                    \
	"\"tool_exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5pWdA\","
#define JSON_STARTUP "\"startup_seconds\":0.020000000,"
#define JSON_NUMBERS                                                                               \
	"\"cpu_seconds\":0.300000000,\"main_thread_cpu_seconds\":0.200000000,"                     \
	"\"main_thread_runqueue_seconds\":0.030000000,"                                            \
	"\"main_thread_wait_seconds\":0.000000001,\"max_rss_bytes\":33040000,\"input_bytes\":150,"
#define JSON_TAIL "\"stderr_bytes\":7}\n"

static void json_has_every_field_of_a_run(void **state)
{
	struct report report = report_make();

	(void)state;
	assert_json(&report, JSON_HEAD "\"outcome\":\"success\",\"error_kinds\":[],\"exit_code\":0,"
				       "\"timed_out\":false,\"adopted\":false,\"timeout_ms\":1000,"
				       "\"seconds\":12.345678901," JSON_STARTUP JSON_NUMBERS
				       "\"output_bytes\":120," JSON_TAIL);
}

static void json_of_a_signal_names_its_sender(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_TIMEOUT;
	report.error_kinds = KIND(STDERR) | KIND(TIMEOUT);
	report.timed_out = true;
	report.signal = SIGKILL;
	report.sender = SENDER_SERVER;
	assert_json(&report,
		    JSON_HEAD "\"outcome\":\"timeout\",\"error_kinds\":[\"stderr\",\"timeout\"],"
			      "\"signal\":\"SIGKILL\",\"sender\":\"server\","
			      "\"timed_out\":true,\"adopted\":false,\"timeout_ms\":1000,"
			      "\"seconds\":12.345678901," JSON_STARTUP JSON_NUMBERS
			      "\"output_bytes\":120," JSON_TAIL);
}

static void json_leaves_out_what_was_not_seen(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_ERROR;
	report.error_kinds = KIND(START);
	report.exited = false;
	report.adopted = true;
	report.has_output = false;
	report.has_startup = false;
	assert_json(&report, JSON_HEAD "\"outcome\":\"error\",\"error_kinds\":[\"start\"],"
				       "\"timed_out\":false,\"adopted\":true,\"timeout_ms\":1000,"
				       "\"seconds\":12.345678901," JSON_NUMBERS JSON_TAIL);
}

static void json_of_hostile_ids_is_one_line_of_json(void **state)
{
	static const struct {
		const char *id;
		const char *string;
	} rows[] = {
		{"", "\"\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"a\nb\tc\x1b[2J\x7f", "\"a\\u000ab\\u0009c\\u001b[2J\\u007f\""},
		{"\",\"outcome\":\"", "\"\\\",\\\"outcome\\\":\\\"\""},
		{"\xc3\xa9\xf0\x9f\x94\xa7", "\"\xc3\xa9\xf0\x9f\x94\xa7\""},
		{"a\xff", "\"a\xef\xbf\xbd\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf out = {};
		struct report report = report_make();
		char expected[160];

		(void)snprintf(report.tool_id, sizeof(report.tool_id), "%s", rows[i].id);
		(void)snprintf(report.tool_exec_id, sizeof(report.tool_exec_id), "%s", rows[i].id);
		(void)snprintf(
			expected, sizeof(expected),
			"{\"pid\":4711,\"parent_pid\":100,\"tool_id\":%s,\"tool_exec_id\":%s,"
			"\"outcome\":\"success\",",
			rows[i].string, rows[i].string);
		tail_json(&out, &report);
		assert_memory_equal(buf_cstr(&out), expected, strlen(expected));
		assert_ptr_equal(strchr(buf_cstr(&out), '\n'), out.data + out.len - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_stand_under_their_names),
		cmocka_unit_test(text_says_how_it_ended),
		cmocka_unit_test(text_of_a_tool_id_obeys_nobody),
		cmocka_unit_test(json_has_every_field_of_a_run),
		cmocka_unit_test(json_of_a_signal_names_its_sender),
		cmocka_unit_test(json_leaves_out_what_was_not_seen),
		cmocka_unit_test(json_of_hostile_ids_is_one_line_of_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
