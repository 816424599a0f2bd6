/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "web/password.h"

/* Of "secret" and "other", at the least cost there is. */
static char alice[] = "alice", bob[] = "bob";
static char alice_hash[] = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
static char bob_hash[] = "$2b$04$abcdefghijklmnopqrstuu0HtfOlPbTiymk5tcV.3TsFPDd3SYZqu";

static const struct web_config config = {
	.users = {{alice, alice_hash}, {bob, bob_hash}},
	.user_count = 2,
};

static int setup(void **state)
{
	return passwords_new(&config, 0, (struct passwords **)state);
}

static int teardown(void **state)
{
	passwords_free((struct passwords **)state);
	return 0;
}

static void right_one_is_right_again(void **state)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(passwords_check(*state, "alice", "secret", 0), PASSWORD_RIGHT);
}

static void others_are_wrong(void **state)
{
	static const char *const rows[][2] = {
		{"alice", "Secret"},  {"alice", ""}, {"alice", "secret "},
		{"nobody", "secret"}, {"", ""},	     {"alice", "other"},
		{"Alice", "secret"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(passwords_check(*state, rows[i][0], rows[i][1], 0),
				 PASSWORD_WRONG);
}

static void one_users_password_is_not_anothers(void **state)
{
	assert_int_equal(passwords_check(*state, "alice", "secret", 0), PASSWORD_RIGHT);
	assert_int_equal(passwords_check(*state, "bob", "secret", 0), PASSWORD_WRONG);
	assert_int_equal(passwords_check(*state, "bob", "other", 0), PASSWORD_RIGHT);
}

/* Whoever was let in stays in while somebody guesses; and there is time for a newcomer later. */
static void guessing_gets_a_share_of_the_time(void **state)
{
	enum password_answer answer = PASSWORD_WRONG;
	int n;

	assert_int_equal(passwords_check(*state, "alice", "secret", 0), PASSWORD_RIGHT);
	for (n = 0; answer == PASSWORD_WRONG && n < 1000000; n++)
		answer = passwords_check(*state, "bob", "guess", 0);
	assert_int_equal(answer, PASSWORD_BUSY);
	assert_int_equal(passwords_check(*state, "bob", "other", 0), PASSWORD_BUSY);
	assert_int_equal(passwords_check(*state, "alice", "secret", 0), PASSWORD_RIGHT);
	assert_int_equal(passwords_check(*state, "bob", "other", 10 * NS_PER_SECOND),
			 PASSWORD_RIGHT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(right_one_is_right_again, setup, teardown),
		cmocka_unit_test_setup_teardown(others_are_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(one_users_password_is_not_anothers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(guessing_gets_a_share_of_the_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
