/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "web/listen.h"

static void port_0_is_a_free_one(void **state)
{
	_cleanup_close_ int fd = -1;
	char text[LISTEN_ADDRESS_BYTES];

	(void)state;
	assert_int_equal(listen_open("127.0.0.1", "0", &fd), 0);
	assert_int_equal(listen_address(fd, text), 0);
	assert_memory_equal(text, "127.0.0.1:", strlen("127.0.0.1:"));
	assert_string_not_equal(text, "127.0.0.1:0");
}

static void port_in_use_is_said(void **state)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int second = -1;
	char text[LISTEN_ADDRESS_BYTES];

	(void)state;
	assert_int_equal(listen_open("127.0.0.1", "0", &fd), 0);
	assert_int_equal(listen_address(fd, text), 0);
	assert_int_equal(listen_open("127.0.0.1", strchr(text, ':') + 1, &second), -EADDRINUSE);
	assert_int_equal(second, -1);
}

static void an_address_that_is_not_ours_is_said(void **state)
{
	_cleanup_close_ int fd = -1;

	(void)state;
	assert_int_equal(listen_open("192.0.2.1", "0", &fd), -EADDRNOTAVAIL); /* RFC 5737 */
	assert_int_equal(listen_open("256.0.0.1.invalid", "0", &fd), -EADDRNOTAVAIL);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_0_is_a_free_one),
		cmocka_unit_test(port_in_use_is_said),
		cmocka_unit_test(an_address_that_is_not_ours_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
