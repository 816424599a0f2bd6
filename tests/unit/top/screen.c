/* SPDX-License-Identifier: Apache-2.0 */
#include "top/screen.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/plain.h"

static struct top_row items[3];

static struct top_rows rows_make(void)
{
	items[0] = (struct top_row){"slow", 12, 0.2, 1, 0, 3, 0.25, 2.5, 12.5, 0.0004, 33.1e6};
	items[1] = (struct top_row){"sum", 1234, 20.5, 0, 7, 0, 0.0125, 0.0175, 0.1, 0.0123, 2.5e9};
	items[2] = (struct top_row){"idle", 0, 0, 2, 0, 0, NAN, NAN, NAN, NAN, NAN};
	return (struct top_rows){.rows = items, .count = 3, .minutes = 14.2, .zombies = 4};
}

static void assert_screen(struct top_screen screen, const char *expected)
{
	_cleanup_buf_ struct buf out = {};
	struct top_rows rows = rows_make();

	screen.agent = "node:9477";
	top_screen_write(&screen, &rows, &out);
	assert_string_equal(buf_cstr(&out), expected);
}

#define HEAD "node:9477  3 tools in the last 15 min, oldest run 0 s, 4 zombies, 0 lost\n"

static void a_pipe_gets_everything(void **state)
{
	(void)state;
	assert_screen((struct top_screen){.sort = TOP_RUNS},
		      HEAD "TOOL        RUNS*   RUN/S    NOW   ERROR  TIMEOUT       P50       P95  "
			   "     P99   CPU/RUN   MEM/RUN\n"
			   "sum          1234    20.5      0       7        0    12.5ms    17.5ms  "
			   "   100ms    12.3ms    2.50GB\n"
			   "slow           12     0.2      1       0        3     250ms     2.50s  "
			   "   12.5s     400us    33.1MB\n"
			   "idle            0     0.0      2       0        0         -         -  "
			   "       -         -         -\n");
}

static void a_narrow_terminal_gets_what_matters_most(void **state)
{
	(void)state;
	assert_screen((struct top_screen){.width = 36, .height = 6, .sort = TOP_P95},
		      "node:9477  3 tools in the last 15 m~\n"
		      "TOOL         RUNS   ERROR      P95*\n"
		      "slow           12       0     2.50s\n"
		      "sum          1234       7    17.5ms\n"
		      "idle            0       0         -\n"
		      "q quit  left/right sort by  r rever~\n");
	assert_screen((struct top_screen){.width = 5, .height = 4, .sort = TOP_TOOL},
		      "node~\nTOOL*\nidle \nq qu~\n");
	assert_screen((struct top_screen){.width = 1, .height = 1, .sort = TOP_TOOL},
		      "~\n~\n~\n~\n");
}

static void what_has_no_number_stands_last_either_way(void **state)
{
	(void)state;
	assert_screen(
		(struct top_screen){.width = 36, .height = 6, .sort = TOP_P95, .reversed = true},
		"node:9477  3 tools in the last 15 m~\n"
		"TOOL         RUNS   ERROR      P95*\n"
		"sum          1234       7    17.5ms\n"
		"slow           12       0     2.50s\n"
		"idle            0       0         -\n"
		"q quit  left/right sort by  r rever~\n");
}

static void scrolling_ends_with_the_last_row(void **state)
{
	_cleanup_buf_ struct buf out = {};
	struct top_rows rows = rows_make();
	struct top_screen screen = {
		.width = 9, .height = 5, .sort = TOP_TOOL, .first = 99, .agent = "a"};

	(void)state;
	top_screen_write(&screen, &rows, &out);
	assert_int_equal(screen.first, 1);
	assert_non_null(strstr(buf_cstr(&out), "\nslow"));
	assert_null(strstr(buf_cstr(&out), "\nidle"));
}

static void trouble_and_emptiness_are_said(void **state)
{
	_cleanup_buf_ struct buf out = {};
	struct top_rows rows = {};
	struct top_screen screen = {.agent = "node:1", .trouble = "no answer: timed out"};

	(void)state;
	top_screen_write(&screen, &rows, &out);
	assert_non_null(strstr(buf_cstr(&out), "node:1: no answer: timed out\n"));
	assert_non_null(strstr(buf_cstr(&out), "no tool has run lately\n"));
}

static void plain_text_has_nothing_that_a_terminal_obeys(void **state)
{
	_cleanup_buf_ struct buf out = {};

	(void)state;
	plain_append(&out,
		     "a\033[2Jb\xc2\x9b"
		     "c\x7f",
		     10, 20);
	plain_append(&out, "|\xc3\xa4\xc3\xb6\xc3\xbc|", 0, 3);
	assert_string_equal(buf_cstr(&out), "a?[2Jb?c? |\xc3\xa4~");
	assert_int_equal(plain_width("\xc3\xa4\xe2\x82\xac"
				     "b"),
			 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_gets_everything),
		cmocka_unit_test(a_narrow_terminal_gets_what_matters_most),
		cmocka_unit_test(what_has_no_number_stands_last_either_way),
		cmocka_unit_test(scrolling_ends_with_the_last_row),
		cmocka_unit_test(trouble_and_emptiness_are_said),
		cmocka_unit_test(plain_text_has_nothing_that_a_terminal_obeys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
