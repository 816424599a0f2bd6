/* SPDX-License-Identifier: Apache-2.0 */
#include "run/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X128 X32 X32 X32 X32

/* The request that n bytes written to a run's stdin are. */
static struct request read_bytes(const char *bytes, size_t n)
{
	struct request request;
	struct text text;
	struct run run;

	build_run(&run);
	build_request_read(&run, "", 0);
	build_request_written(&run, bytes, n);
	text_of_request(&run, false, &text);
	request_read(&text, &request);
	return request;
}

static struct request read_cstr(const char *text)
{
	return read_bytes(text, strlen(text));
}

static const struct short_request {
	const char *text;
	const char *tool_id; /* NULL: not a worker's request */
	const char *exec_id;
	uint64_t timeout_ms;
	bool complete;
} short_requests[] = {
	{BUILD_REQUEST, "sum", "34fQ0bZk1xYvT7mN2cR8sL5pWdA", 1000, true},
	{" \n{ \"tool_id\" : \"a/b.c-d\" } \n", "a/b.c-d", "", 0, true},
	{"{\"timeout_ms\":5,\"input\":{\"a\":[{\"tool_id\":\"no\"}]},\"tool_id\":\"yes\"}", "yes",
	 "", 5, true},
	{"{\"input\":{\"timeout_ms\":9},\"tool_id\":\"a\"}", "a", "", 0, true},
	{"{\"input\":\"}\\\\\\\"{\",\"tool_id\":\"a\"}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"tool_id\":\"b\"}", "b", "", 0, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":1,\"timeout_ms\":2}", "a", "", 2, true},
	{"{\"\\u0074ool_i\\u0064\":\"a\"}", "a", "", 0, true},
	{"{\"tool_id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t", "", 0, true},
	{"{\"tool_id\":\"\\u00e9\\u20AC\\ud83d\\ude00\"}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	 "", 0, true},
	{"{\"tool_id\":\"\xe2\x82\xac\"}", "\xe2\x82\xac", "", 0, true},
	{"{\"tool_id\":\"" X128 "\"}", X128, "", 0, true},
	/* timeouts that are none */
	{"{\"tool_id\":\"a\",\"timeout_ms\":0}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":-5}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":1.5}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":\"5\"}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":18446744073709551615}", "a", "", UINT64_MAX, true},
	{"{\"tool_id\":\"a\",\"timeout_ms\":18446744073709551616}", "a", "", 0, true},
	/* ids that cannot be labels: still runs */
	{"{\"tool_id\":\"x" X128 "\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":5,\"timeout_ms\":7}", TOOL_ID_INVALID, "", 7, true},
	{"{\"tool_id\":null}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":{\"tool_id\":\"a\"}}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"a\\u0000b\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\xff\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\xc0\xaf\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\x\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\u12g4\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\u12\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\ud83d\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\ud83d\\u0041\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"\\ude00\\ud83d\"}", TOOL_ID_INVALID, "", 0, true},
	{"{\"tool_id\":\"a\nb\"}", TOOL_ID_INVALID, "", 0, false},
	/* execution ids that are not kept */
	{"{\"tool_id\":\"a\",\"tool_exec_id\":\"" X32 X32 "x\"}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"tool_exec_id\":7}", "a", "", 0, true},
	{"{\"tool_id\":\"a\",\"tool_exec_id\":\"b\\u0000\"}", "a", "", 0, true},
	/* unfinished ones keep what stood before */
	{"{\"tool_id\":\"a\",\"timeout_ms\":10", "a", "", 0, false},
	{"{\"tool_id\":\"a\"", "a", "", 0, false},
	{"{\"tool_id\":\"a", TOOL_ID_INVALID, "", 0, false},
	{"{\"tool_id\":\"a\\", TOOL_ID_INVALID, "", 0, false},
	{"{\"tool_id\":", TOOL_ID_INVALID, "", 0, false},
	{"{\"tool_id\"", TOOL_ID_INVALID, "", 0, false},
	{"{\"tool_id\":\"a\",!", "a", "", 0, false},
	{"{\"tool_id\":\"a\" \"b\":1}", "a", "", 0, false},
	/* not a worker's request */
	{"", NULL, "", 0, false},
	{"{}", NULL, "", 0, true},
	{"{", NULL, "", 0, false},
	{"{\"tool_id", NULL, "", 0, false},
	{"{\"tool_id2\":\"a\",\"Tool_id\":\"b\"}", NULL, "", 0, true},
	{"{\"" X32 "\":\"tool_id\"}", NULL, "", 0, true},
	{"[{\"tool_id\":\"a\"}]", NULL, "", 0, false},
	{"\"tool_id\"", NULL, "", 0, false},
	{"x{\"tool_id\":\"a\"}", NULL, "", 0, false},
	{"{{\"tool_id\":\"a\"}}", NULL, "", 0, false},
	{"{\"a\":,\"tool_id\":\"a\"}", NULL, "", 0, false},
	{"{,\"tool_id\":\"a\"}", NULL, "", 0, false},
};

static void short_requests_are_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(short_requests); i++) {
		const struct short_request *expected = &short_requests[i];
		struct request request = read_cstr(expected->text);
		const char *tool_id = expected->tool_id ? expected->tool_id : "";

		if (request.has_tool_id != (expected->tool_id != NULL) ||
		    strcmp(request.tool_id, tool_id) || request.complete != expected->complete ||
		    strcmp(request.tool_exec_id, expected->exec_id) ||
		    request.timeout_ms != expected->timeout_ms)
			fail_msg("%s", expected->text);
	}
}

static void no_cut_makes_another_id(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(BUILD_REQUEST); n++) {
		struct request request = read_bytes(BUILD_REQUEST, n);

		assert_false(request.complete);
		if (request.has_tool_id && strcmp(request.tool_id, "sum") != 0)
			assert_string_equal(request.tool_id, TOOL_ID_INVALID);
		assert_true(request.timeout_ms == 0 || request.timeout_ms == 1000);
	}
}

static void raw_nul_is_not_the_end_of_the_text(void **state)
{
	static const char text[] = "{\"tool_id\":\"a\0b\"}";
	struct request request = read_bytes(text, sizeof(text) - 1);

	(void)state;
	assert_true(request.has_tool_id);
	assert_string_equal(request.tool_id, TOOL_ID_INVALID);
}

/* Begin, n bytes of input, end. */
static struct request read_long(const char *begin, size_t n, const char *end)
{
	static char text[8192];
	size_t len = strlen(begin);

	memcpy(text, begin, len);
	memset(text + len, 'x', n);
	memcpy(text + len + n, end, strlen(end) + 1);
	return read_cstr(text);
}

static void long_request_is_read_from_both_ends(void **state)
{
	static const struct {
		const char *begin, *end;
		const char *tool_id;
		uint64_t timeout_ms;
		bool complete;
	} cases[] = {
		{"{\"tool_id\":\"a\",\"input\":\"", "\",\"timeout_ms\":60000}", "a", 60000, true},
		{"{\"tool_id\":\"a\",\"input\":\"", "\",\"timeout_ms\":60000} \n\t", "a", 60000,
		 true},
		{"{\"timeout_ms\":7,\"tool_id\":\"a\",\"input\":\"", "\",\"timeout_ms\":8}", "a", 7,
		 true},
		{"{\"tool_id\":\"a\",\"input\":\"", "\"}", "a", 0, true},
		{"{\"tool_id\":\"a\",\"input\":\"", "", "a", 0, false},
		{"{\"tool_id\":\"a\",\"input\":\"", "\",\"timeout_ms\":60000", "a", 0, false},
		{"{\"tool_id\":\"a\",\"input\":\"", "\",\"timeout_ms\":}", "a", 0, true},
		{"{\"tool_id\":\"a\",\"input\":{\"b\":\"", "\",\"timeout_ms\":5}}", "a", 0, true},
		{"{\"tool_id\":\"a\",\"input\":\"", "\\\"timeout_ms\\\":5}", "a", 0, true},
		{"{\"tool_id\":\"a\",\"input\":\"", "\",\"xtimeout_ms\":5}", "a", 0, true},
		{"{\"input\":\"", "\",\"tool_id\":\"a\",\"timeout_ms\":5}", NULL, 5, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t n = 320; n < 600; n++) {
			struct request request = read_long(cases[i].begin, n, cases[i].end);

			assert_int_equal(request.has_tool_id, cases[i].tool_id != NULL);
			assert_string_equal(request.tool_id,
					    cases[i].tool_id ? cases[i].tool_id : "");
			assert_int_equal(request.timeout_ms, cases[i].timeout_ms);
			assert_int_equal(request.complete, cases[i].complete);
		}
	}
}

static void tail_of_digits_alone_is_no_timeout(void **state)
{
	char text[401];

	(void)state;
	memset(text, '1', 399);
	text[399] = '}';
	text[400] = '\0';
	assert_int_equal(read_cstr(text).timeout_ms, 0);
	memset(text, ' ', 400);
	assert_false(read_cstr(text).complete);
}

static void id_that_the_capture_cuts_is_invalid(void **state)
{
	static const char end[] = "\",\"timeout_ms\":5}";
	struct request request = read_long("{\"tool_id\":\"", 1000, end);

	(void)state;
	assert_true(request.has_tool_id);
	assert_string_equal(request.tool_id, TOOL_ID_INVALID);
	assert_int_equal(request.timeout_ms, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_requests_are_read_whole),
		cmocka_unit_test(no_cut_makes_another_id),
		cmocka_unit_test(raw_nul_is_not_the_end_of_the_text),
		cmocka_unit_test(long_request_is_read_from_both_ends),
		cmocka_unit_test(tail_of_digits_alone_is_no_timeout),
		cmocka_unit_test(id_that_the_capture_cuts_is_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
