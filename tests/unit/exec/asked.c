/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/asked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "exec/builder.h"

#define LONG_TEXT                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxx"                                                                                     \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxx"                                                                                     \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxx"

static const struct {
	const char *body;
	const char *action;
	uint64_t timeout_ms;
} cases[] = {
	{"{\"action\":\"analyse\",\"prompt\":\"p\",\"timeout\":60}", "analyse", 60000},
	{"{\"timeout\": 0.6 }\n", "", 600},
	{"{\"timeout\":6e1,\"with\":{\"a\":1}}", "", 60000},
	{"{}", "", 0},
	{"", "", 0},
	/* What is nested is payload. */
	{"{\"with\":{\"timeout\":5,\"action\":\"secret\"}}", "", 0},
	{"{\"with\":{\"timeout\":5}}", "", 0},
	{"{\"with\":\"\\\"timeout\\\":5\"}", "", 0},
	/* Of several, the last counts. */
	{"{\"timeout\":5,\"action\":\"a\",\"timeout\":6,\"action\":\"b\"}", "b", 6000},
	{"{\"action\":\"a\",\"action\":7}", "", 0},
	{"{\"act\\u0069on\":\"a\"}", "a", 0},
	/* What means nothing. */
	{"{\"timeout\":\"60\"}", "", 0},
	{"{\"timeout\":-1}", "", 0},
	{"{\"timeout\":0}", "", 0},
	{"{\"timeout\":1e9}", "", 0},
	{"{\"timeout\":6-6}", "", 0},
	{"{\"action\":\"" LONG_TEXT "\"}", "", 0},
	{"[{\"action\":\"a\"}]", "", 0},
	/* Longer than what is kept: the action from the one end, the timeout from the other. */
	{"{\"action\":\"a\",\"prompt\":\"" LONG_TEXT "\",\"timeout\":60}", "a", 60000},
	{"{\"timeout\":5,\"prompt\":\"" LONG_TEXT "\"}", "", 5000},
	{"{\"timeout\":5,\"prompt\":\"" LONG_TEXT "\" , \"timeout\" : 6.5 }\r\n", "", 6500},
	{"{\"prompt\":\"" LONG_TEXT "\",\"action\":\"a\"}", "", 0},
	{"{\"with\":{\"x\":\"" LONG_TEXT "\",\"timeout\":60}}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\",\"\\\"timeout\":60}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\",\"my\\\"timeout\":60}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\",\"my_timeout\":60}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\",\"timeout\":\"60\"}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\",\"timeout\":}", "", 0},
	{"{\"x\":\"" LONG_TEXT "\"} {\"timeout\":7", "", 0},
	{"{\"x\":\"" LONG_TEXT "\"} {\"timeout\":7}", "", 0},
};

static void own_members_and_no_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exchange exchange;
		struct asked asked;

		build_exchange(&exchange);
		build_request_body(&exchange, cases[i].body);
		asked_read(&exchange, &asked);
		assert_string_equal(asked.action, cases[i].action);
		assert_int_equal(asked.timeout_ms, cases[i].timeout_ms);
	}
}

/* A tail that was read by itself holds less; half a key is none. */
static void tail_that_came_in_pieces(void **state)
{
	static const char body[] = "{\"prompt\":\"" LONG_TEXT "\",\"timeout\":60}";

	(void)state;
	for (uint32_t n = 1; n <= BODY_TAIL_BYTES; n++) {
		struct exchange exchange;
		struct asked asked;

		build_exchange(&exchange);
		build_request_body(&exchange, body);
		memcpy(exchange.request_tail, body + sizeof(body) - 1 - n, n);
		exchange.request_tail_bytes = n;
		asked_read(&exchange, &asked);
		assert_int_equal(asked.timeout_ms, n >= sizeof(",\"timeout\":60}") - 1 ? 60000 : 0);
	}
}

static void nothing_of_a_body_that_was_not_all_seen(void **state)
{
	static const char body[] = "{\"action\":\"a\",\"prompt\":\"" LONG_TEXT "\",\"timeout\":60}";
	struct exchange exchange;
	struct asked asked;

	(void)state;
	build_exchange(&exchange);
	build_request_body(&exchange, body);
	exchange.request_last_ns = 0;
	asked_read(&exchange, &asked);
	assert_string_equal(asked.action, "a");
	assert_int_equal(asked.timeout_ms, 0);
	exchange.flags |= EXCHANGE_BODY_GAP;
	asked_read(&exchange, &asked);
	assert_string_equal(asked.action, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_members_and_no_others),
		cmocka_unit_test(tail_that_came_in_pieces),
		cmocka_unit_test(nothing_of_a_body_that_was_not_all_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
