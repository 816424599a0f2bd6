/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "http/http.h"

static void what_can_be_asked_for(void **state)
{
	static const char *const urls[] = {
		"http://h",
		"HTTPS://Collector.example",
		"http://127.0.0.1:4318",
		"https://[::1]:4318/v1/traces?x=1",
		"http://[fe80::1%25eth0]/",
		"http://user:p%40ss@host:1/",
		"http://h:/",
		"http://b\xc3\xbc"
		"cher.example/",
		"http://under_score.svc:65535?x",
		"http://h#x",
		"http://h/a:b@c",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		if (!http_url_valid(urls[i]))
			fail_msg("%s is refused", urls[i]);
}

static void what_cannot(void **state)
{
	static const char *const urls[] = {
		"",
		"127.0.0.1:4318",
		"file:///etc/passwd",
		"ftp://host/",
		"httpx://host/",
		"http:/host/",
		"http://",
		"http:///path",
		"http://?x",
		"http://user@/",
		"http://:80/",
		"http://user@name@host",
		"http://h%41/",
		"http://h:65536/",
		"http://h:123456/",
		"http://h:8a/",
		"http://h:-1/",
		"http://h:80:80/",
		"http://a b/",
		"http://h/a b",
		"http://h/a\tb",
		"http://h/\x7f",
		"http://h\r\nX: y/",
		"http://[::1/",
		"http://[]/",
		"http://[::1]x/",
		"http://::1/",
		"http://a]b/",
		"http://a\\b/",
		"http://{h}/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
		if (http_url_valid(urls[i]))
			fail_msg("%s is let through", urls[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_asked_for),
		cmocka_unit_test(what_cannot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
