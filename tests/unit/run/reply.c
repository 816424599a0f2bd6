/* SPDX-License-Identifier: Apache-2.0 */
#include "run/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/builder.h"

static enum reply_verdict judge(const char *bytes, size_t n)
{
	struct text text;
	struct run run;

	build_run(&run);
	build_reply(&run, bytes, n);
	text_of_reply(&run, false, &text);
	return reply_judge(&text);
}

/* Each was also given to Go's encoding/json with the server's rule. */
static const struct {
	const char *text;
	enum reply_verdict verdict;
} short_replies[] = {
	{"", REPLY_EMPTY},
	{" \t\r\n\v\f", REPLY_EMPTY},
	{"\xc2\xa0\xe2\x80\x83", REPLY_EMPTY},
	{BUILD_SUCCESS, REPLY_SUCCESS},
	{" \n" BUILD_SUCCESS "\n", REPLY_SUCCESS},
	{"\xc2\x85" BUILD_SUCCESS "\xe3\x80\x80", REPLY_SUCCESS},
	{"{\"error\":null," BUILD_METADATA, REPLY_SUCCESS},
	{"null", REPLY_SUCCESS},
	{"{}", REPLY_SUCCESS},
	{"{\"result\":{\"error\":\"inside\"}}", REPLY_SUCCESS},
	{"{\"result\":1,\"extra\":[1,2,{}]}", REPLY_SUCCESS},
	{"{\"error\":1,\"error\":null}", REPLY_SUCCESS},
	{"{\"Error\":1,\"error\":null}", REPLY_SUCCESS},
	{"{\"result\":\"\\u0000\"}", REPLY_SUCCESS},
	{"{\"\\u0000\":1}", REPLY_SUCCESS},
	{"{\"result\":\"\\ud800\"}", REPLY_SUCCESS},
	{"{\"result\":\"\\\\ud800\"}", REPLY_SUCCESS},
	{"{\"result\":\"\\udc00\\ud800x\"}", REPLY_SUCCESS},
	{"{\"result\":\"\xff\xfe\"}", REPLY_SUCCESS},
	{"{\"result\":\"\xed\xa0\x80\"}", REPLY_SUCCESS},
	{"{\"result\":\"\x7f\"}", REPLY_SUCCESS},
	{"{\"result\":123456789012345678901234567890}", REPLY_SUCCESS},
	{"{\"result\":-0}", REPLY_SUCCESS},
	{"{\"result\":1e-999}", REPLY_SUCCESS},
	{"{\"result\":1.5E+3}", REPLY_SUCCESS},
	{BUILD_FAILURE, REPLY_FAILURE},
	{"{\"error\":\"\"}", REPLY_FAILURE},
	{"{\"error\":0}", REPLY_FAILURE},
	{"{\"error\":false}", REPLY_FAILURE},
	{"{\"error\":[]}", REPLY_FAILURE},
	{"{\"result\":1,\"error\":\"x\"}", REPLY_FAILURE},
	{"{\"error\":null,\"error\":1}", REPLY_FAILURE},
	{"{\"ERROR\":1}", REPLY_FAILURE},
	{"{\"error\":null,\"Error\":1}", REPLY_FAILURE},
	{"{\"\\u0065rror\":1}", REPLY_FAILURE},
	{"x", REPLY_CORRUPT},
	{"[]", REPLY_CORRUPT},
	{"1", REPLY_CORRUPT},
	{"true", REPLY_CORRUPT},
	{"\"{}\"", REPLY_CORRUPT},
	{"nul", REPLY_CORRUPT},
	{"nulll", REPLY_CORRUPT},
	{"null null", REPLY_CORRUPT},
	{"{", REPLY_CORRUPT},
	{"{}x", REPLY_CORRUPT},
	{"{}{}", REPLY_CORRUPT},
	{"{},", REPLY_CORRUPT},
	{"hello\n" BUILD_SUCCESS, REPLY_CORRUPT},
	{BUILD_SUCCESS "bye", REPLY_CORRUPT},
	{BUILD_SUCCESS BUILD_SUCCESS, REPLY_CORRUPT},
	{"\xef\xbb\xbf{}", REPLY_CORRUPT},
	{"\v{\v}", REPLY_CORRUPT},
	{"{\"result\":\xc2\xa0 1}", REPLY_CORRUPT},
	{"{\"result\":1e999}", REPLY_CORRUPT},
	{"{\"result\":-1e999}", REPLY_CORRUPT},
	{"{\"result\":01}", REPLY_CORRUPT},
	{"{\"result\":1.}", REPLY_CORRUPT},
	{"{\"result\":NaN}", REPLY_CORRUPT},
	{"{\"result\":undefined}", REPLY_CORRUPT},
	{"{'result':1}", REPLY_CORRUPT},
	{"{\"result\":1,}", REPLY_CORRUPT},
	{"{\"result\":\"a\nb\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\x\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\u12\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\u-000\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\u 000\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\u0x0f\"}", REPLY_CORRUPT},
	{"{\"result\":\"\\", REPLY_CORRUPT},
};

static void short_replies_are_judged_as_the_server_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(short_replies); i++) {
		const char *text = short_replies[i].text;

		if (judge(text, strlen(text)) != short_replies[i].verdict)
			fail_msg("%s", text);
	}
}

static void raw_nul_is_garbage(void **state)
{
	static const char inside[] = "{\"result\":\"a\0\"}", behind[] = "{}\0";
	static const char between[] = "{\"result\":null\0,\"error\":null}";

	(void)state;
	assert_int_equal(judge(inside, sizeof(inside) - 1), REPLY_CORRUPT);
	assert_int_equal(judge(behind, sizeof(behind) - 1), REPLY_CORRUPT);
	assert_int_equal(judge(between, sizeof(between) - 1), REPLY_CORRUPT);
}

/* Begin, n times x, end. */
static enum reply_verdict judge_long(const char *begin, size_t n, const char *end)
{
	static char text[8192];
	size_t len = strlen(begin);

	memcpy(text, begin, len);
	memset(text + len, 'x', n);
	memcpy(text + len + n, end, strlen(end) + 1);
	return judge(text, strlen(text));
}

#define SUCCESS_END "\"error\":null," BUILD_METADATA
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256 X32 X32 X32 X32 X32 X32 X32 X32
#define BLANK32 "                                "
#define BLANK256 BLANK32 BLANK32 BLANK32 BLANK32 BLANK32 BLANK32 BLANK32 BLANK32

static const struct {
	const char *begin, *end;
	enum reply_verdict verdict;
} long_replies[] = {
	{"{\"result\":\"", "\"," SUCCESS_END, REPLY_SUCCESS},
	{" {\"result\":\"", "\"," SUCCESS_END "\n", REPLY_SUCCESS},
	{"{\"result\":{\"a\":[\"", "\"]}," SUCCESS_END, REPLY_SUCCESS},
	{"{\"error\":null,\"metadata\":{\"tool_id\":\"",
	 "\",\"tool_exec_id\":\"1\",\"execution_time\":12}}", REPLY_SUCCESS},
	{"{\"result\":1,\"error\":null,\"metadata\":{\"tool_id\":\"",
	 "\",\"tool_exec_id\":\"1\",\"execution_time\":-12}}", REPLY_SUCCESS},
	{"{\"result\":\"",
	 "\",\"error\":null,\"metadata\":{\"tool_id\":\"a\",\"execution_time\":1}}", REPLY_SUCCESS},
	{"{\"result\":\"",
	 "\",\"error\":null,\"metadata\":{\"tool_id\":\"" X256
	 "\",\"tool_exec_id\":\"1\",\"execution_time\":1}}",
	 REPLY_SUCCESS},
	{"{\"result\":\"",
	 "\",\"error\":null,\"metadata\":{\"tool_id\":\"a\\\"b\\\\\","
	 "\"tool_exec_id\":\"\\\"\",\"execution_time\":1}}",
	 REPLY_SUCCESS},
	{"{\"result\":\"",
	 "\",\"error\":null,\"metadata\":{\"tool_id\":\"a\",\"tool_exec_id\":\"" X256
	 "\",\"execution_time\":1}}",
	 REPLY_SUCCESS},
	{BLANK256 BUILD_SUCCESS BLANK256, "", REPLY_CORRUPT},
	{BLANK256 "{\"result\":\"", "\"," SUCCESS_END, REPLY_SUCCESS},
	{BLANK256 "hello", "", REPLY_CORRUPT},
	{"{\"result\":null,\"error\":{\"message\":\"", "\",\"timestamp\":\"now\"}}", REPLY_FAILURE},
	{"{\"result\":null,\"error\":\"", "\"}", REPLY_FAILURE},
	{"{\"error\":\"", "\"}\n", REPLY_FAILURE},
	{"{\"result\":null,\"error\":{\"message\":\"", "\",\"timestamp\":\"now\"}}bye",
	 REPLY_CORRUPT},
	{"{\"result\":null,\"error\":{\"message\":\"", "", REPLY_CORRUPT},
	/* garbage before */
	{"hello\n{\"result\":\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{BUILD_SUCCESS "{\"result\":\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{}{\"result\":\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{\"log\":\"", "\"}{\"result\":1," SUCCESS_END, REPLY_CORRUPT},
	{"{\"result\":1,\"log\":\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{\"result\":1,\"error\":null,\"log\":\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{\"result\":1,\"error\":null,\"metadata\":1,\"log\":\"", "\"," SUCCESS_END,
	 REPLY_CORRUPT},
	{"{\"result\":1 \"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{\"result\":\"\n", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"[\"", "\"," SUCCESS_END, REPLY_CORRUPT},
	{"{\"", "\":1," SUCCESS_END, REPLY_CORRUPT},
	/* garbage behind, or no end at all */
	{"{\"result\":\"", "\"," SUCCESS_END "bye", REPLY_CORRUPT},
	{"{\"result\":\"", "\"," SUCCESS_END "}", REPLY_CORRUPT},
	{"{\"result\":\"", "\"}", REPLY_CORRUPT},
	{"{\"result\":\"", "", REPLY_CORRUPT},
	{"{\"result\":\"", BLANK256, REPLY_CORRUPT},
	{"{\"result\":\"",
	 "\",\"error\":null,\"metadata\":{\"tool_id\":\"a\",\"execution_time\":}}", REPLY_CORRUPT},
	{"{\"result\":\"", "\",\"error\":1,\"metadata\":{\"tool_id\":\"a\",\"execution_time\":1}}",
	 REPLY_CORRUPT},
	{"{\"result\":\"", "\",\"metadata\":{\"tool_id\":\"a\",\"execution_time\":1}}",
	 REPLY_CORRUPT},
	{"{\"result\":\"", "{\"tool_id\":\"a\",\"tool_exec_id\":\"b\",\"execution_time\":1}}",
	 REPLY_CORRUPT},
};

static void long_replies_are_judged_by_their_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(long_replies); i++) {
		for (size_t n = 512; n < 800; n++) {
			if (judge_long(long_replies[i].begin, n, long_replies[i].end) !=
			    long_replies[i].verdict)
				fail_msg("%s x%zu %s", long_replies[i].begin, n,
					 long_replies[i].end);
		}
	}
}

static void blank_reply_of_any_length_is_empty(void **state)
{
	(void)state;
	assert_int_equal(judge(BLANK256 BLANK256 BLANK256, 3 * 256), REPLY_EMPTY);
}

/* The head may end anywhere in the worker's own text without making it look like another's. */
static void head_may_end_anywhere(void **state)
{
	static char result[512];

	(void)state;
	for (int n = 150; n < 256; n++) {
		(void)snprintf(result, sizeof(result),
			       "{\"result\":\"%.*s\",\"error\":null,\"metadata\":{\"tool_id\":\"",
			       n, X256);
		assert_int_equal(judge_long(result, 512, "\",\"execution_time\":1}}"),
				 REPLY_SUCCESS);
		(void)snprintf(result, sizeof(result),
			       "{\"result\":null%*s,\"error\":{\"message\":\"", n, "");
		assert_int_equal(judge_long(result, 512, "\"}}") == REPLY_SUCCESS, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_replies_are_judged_as_the_server_does),
		cmocka_unit_test(raw_nul_is_garbage),
		cmocka_unit_test(long_replies_are_judged_by_their_ends),
		cmocka_unit_test(blank_reply_of_any_length_is_empty),
		cmocka_unit_test(head_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
