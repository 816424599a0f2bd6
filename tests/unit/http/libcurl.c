/* SPDX-License-Identifier: Apache-2.0 */
#include "http/libcurl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"

static void each_function_is_there(void **state)
{
	struct libcurl libcurl = {};

	(void)state;
	assert_int_equal(libcurl_load(&libcurl, LIBCURL_SONAME), 0);
	assert_non_null(libcurl.handle);
#define X(name) assert_non_null(libcurl.name);
	LIBCURL_FUNCTIONS(X)
#undef X
	assert_string_equal(libcurl.easy_strerror(CURLE_OK), "No error");
	libcurl_unload(&libcurl);
	assert_null(libcurl.handle);
	libcurl_unload(&libcurl);
}

static void what_is_no_libcurl_is_refused(void **state)
{
	static const char *const names[] = {"libcurl-of-nobody.so.4", "libc.so.6", "/dev/null"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct libcurl libcurl = {};

		assert_int_equal(libcurl_load(&libcurl, names[i]), -ELIBACC);
		assert_null(libcurl.handle);
		assert_null(libcurl.global_init);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_function_is_there),
		cmocka_unit_test(what_is_no_libcurl_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
