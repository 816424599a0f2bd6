/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "http/server.h"

struct answer {
	bool done;
	int error;
	unsigned status;
	char message[HTTP_MESSAGE_BYTES];
	char body[256];
	char retry_after[64];
};

static void keep(void *arg, const struct http_response *response)
{
	const char *retry_after = http_header(response, "Retry-After");
	struct answer *answer = arg;

	assert_false(answer->done);
	answer->done = true;
	answer->error = response->error;
	answer->status = response->status;
	strcpy(answer->message, response->message);
	if (response->body_bytes < sizeof(answer->body))
		(void)snprintf(answer->body, sizeof(answer->body), "%.*s",
			       (int)response->body_bytes, response->body ?: "");
	if (retry_after)
		(void)snprintf(answer->retry_after, sizeof(answer->retry_after), "%s", retry_after);
}

static struct http_request request_to(const struct server *server, struct answer *answer)
{
	return (struct http_request){
		.method = "POST",
		.url = server->url,
		.body = "12345",
		.body_bytes = 5,
		.timeout_ms = 5000,
		.answer_bytes_max = 100,
		.done = keep,
		.arg = answer,
	};
}

/* One request whose answer is these bytes. */
static struct answer ask(const char *bytes, size_t n)
{
	struct server server = {.answer = bytes, .answer_bytes = n};
	struct answer answer = {};
	struct http *http = NULL;

	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	struct http_request request = request_to(&server, &answer);
	assert_int_equal(http_start(http, &request), 0);
	server_run(&server, http, &answer.done);
	http_free(&http);
	server_stop(&server);
	return answer;
}

#define ASK(text) ask(text, strlen(text))

static void a_request_is_sent_and_its_answer_read(void **state)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
	static const char *const headers[] = {"X-One: 1", "Content-Type: text/x", NULL};
	struct server server = {.answer = reply, .answer_bytes = strlen(reply), .stays_open = true};
	struct answer answer = {};
	struct http *http = NULL;

	(void)state;
	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	struct http_request request = request_to(&server, &answer);
	request.headers = headers;
	assert_int_equal(http_start(http, &request), 0);
	server_run(&server, http, &answer.done);

	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "abc");
	assert_string_equal(answer.message, "");
	assert_memory_equal(server.asked, "POST /x HTTP/1.1\r\n", 18);
	assert_non_null(strstr(server.asked, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(server.asked, "\r\nContent-Type: text/x\r\n"));
	assert_null(strstr(server.asked, "Expect"));
	assert_non_null(strstr(server.asked, "\r\n\r\n12345"));
	http_free(&http);
	server_stop(&server);
}

static void a_connection_is_used_again(void **state)
{
	static const char reply[] = "HTTP/1.1 204 No Content\r\n\r\n";
	struct server server = {.answer = reply, .answer_bytes = strlen(reply), .stays_open = true};
	struct http *http = NULL;

	(void)state;
	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	for (int i = 0; i < 3; i++) {
		struct answer answer = {};
		struct http_request request = request_to(&server, &answer);
		int before = server.connection;

		request.method = "GET";
		request.body = NULL;
		server.asked_bytes = 0;
		memset(server.asked, 0, sizeof(server.asked));
		assert_int_equal(http_start(http, &request), 0);
		server_run(&server, http, &answer.done);
		assert_int_equal(answer.status, 204);
		assert_memory_equal(server.asked, "GET /x HTTP/1.1\r\n", 17);
		assert_true(i == 0 || server.connection == before);
	}
	http_free(&http);
	server_stop(&server);
}

static void a_redirect_is_an_answer(void **state)
{
	struct answer answer = ASK("HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\n"
				   "Content-Length: 0\r\n\r\n");

	(void)state;
	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.status, 307);
}

static void a_header_is_found_by_name(void **state)
{
	struct answer answer = ASK("HTTP/1.1 429 Slow\r\nretry-after:  7 \r\n"
				   "Content-Length: 0\r\n\r\n");

	(void)state;
	assert_int_equal(answer.status, 429);
	assert_string_equal(answer.retry_after, "7");
}

static void an_answer_has_an_end(void **state)
{
	struct answer answer = ASK("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"
				   "0123456789012345678901234567890123456789012345678901234567890"
				   "1234567890123456789012345678901234567890");

	(void)state;
	assert_int_equal(answer.error, -EMSGSIZE);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.message, "the answer is too long");
}

struct arrivals {
	struct answer answer; /* first: it is what keep() gets */
	char text[64];
	size_t bytes;
	int says;
};

static int take(void *arg, const char *bytes, size_t n)
{
	struct arrivals *arrivals = arg;

	assert_true(arrivals->bytes + n < sizeof(arrivals->text));
	memcpy(arrivals->text + arrivals->bytes, bytes, n);
	arrivals->bytes += n;
	return arrivals->says;
}

static void hand_over(const char *reply, struct arrivals *arrivals)
{
	struct server server = {.answer = reply, .answer_bytes = strlen(reply)};
	struct http *http = NULL;

	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	struct http_request request = request_to(&server, &arrivals->answer);
	request.arrived = take;
	request.answer_bytes_max = 10;
	assert_int_equal(http_start(http, &request), 0);
	server_run(&server, http, &arrivals->answer.done);
	http_free(&http);
	server_stop(&server);
}

static void a_body_is_handed_over_as_it_arrives(void **state)
{
	struct arrivals good = {}, other_status = {}, long_one = {}, refused = {.says = -EBADMSG};

	(void)state;
	hand_over("HTTP/1.1 200 OK\r\n\r\n0123456789", &good);
	assert_int_equal(good.answer.error, 0);
	assert_string_equal(good.text, "0123456789");
	assert_string_equal(good.answer.body, "");
	hand_over("HTTP/1.1 403 No\r\n\r\n0123456789", &other_status);
	assert_int_equal(other_status.answer.error, 0);
	assert_int_equal(other_status.answer.status, 403);
	assert_string_equal(other_status.text, "");
	hand_over("HTTP/1.1 200 OK\r\n\r\n0123456789x", &long_one);
	assert_int_equal(long_one.answer.error, -EMSGSIZE);
	hand_over("HTTP/1.1 200 OK\r\n\r\n0", &refused);
	assert_int_equal(refused.answer.error, -EBADMSG);
	assert_string_equal(refused.answer.message, "Bad message");
}

static void headers_have_an_end(void **state)
{
	_cleanup_buf_ struct buf reply = {};

	(void)state;
	buf_append_cstr(&reply, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&reply, "X-%d: 0123456789\r\n", i);
	buf_append_cstr(&reply, "Content-Length: 0\r\n\r\n");

	struct answer answer = ask(reply.data, reply.len);
	assert_int_equal(answer.error, -EMSGSIZE);
}

static void half_an_answer_is_none(void **state)
{
	struct answer answer = ASK("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");

	(void)state;
	assert_int_equal(answer.error, -EIO);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.body, "abc");
}

static void no_answer_is_none(void **state)
{
	struct answer answer = ask("", 0);

	(void)state;
	assert_int_equal(answer.error, -EIO);
	assert_int_equal(answer.status, 0);
	assert_string_not_equal(answer.message, "");
}

static void a_server_that_hangs_is_left(void **state)
{
	struct server server = {.stays_open = true};
	struct answer answer = {};
	struct http *http = NULL;

	(void)state;
	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	struct http_request request = request_to(&server, &answer);
	request.timeout_ms = 50;
	assert_int_equal(http_start(http, &request), 0);
	server_run(&server, http, &answer.done);
	assert_int_equal(answer.error, -ETIMEDOUT);
	http_free(&http);
	server_stop(&server);
}

static void nobody_there_is_said(void **state)
{
	struct server server = {};
	struct answer answer = {};
	struct http *http = NULL;

	(void)state;
	server_start(&server);
	(void)close(server.listening);
	assert_int_equal(http_new(&http), 0);
	struct http_request request = request_to(&server, &answer);
	server.listening = -1;
	assert_int_equal(http_start(http, &request), 0);
	server_run(&server, http, &answer.done);
	assert_int_equal(answer.error, -ECONNREFUSED);
	http_free(&http);
}

static void what_cannot_be_asked_is_refused(void **state)
{
	static const char *const split[] = {"X: 1\r\nY: 2", NULL};
	static const char *const urls[] = {"",	      "127.0.0.1:4318", "file:///etc/passwd",
					   "http://", "ftp://host/",	"http://a b/"};
	struct answer answer = {};
	struct server server = {};
	struct http *http = NULL;

	(void)state;
	assert_int_equal(http_new(&http), 0);
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct http_request request = request_to(&server, &answer);

		request.url = urls[i];
		assert_int_equal(http_start(http, &request), -EINVAL);
	}
	strcpy(server.url, "http://127.0.0.1:1/");
	struct http_request request = request_to(&server, &answer);
	request.headers = split;
	assert_int_equal(http_start(http, &request), -EINVAL);
	assert_false(answer.done);
	http_free(&http);
}

static void requests_at_once_are_bounded(void **state)
{
	struct server server = {.stays_open = true};
	struct answer answers[HTTP_REQUESTS_MAX + 1] = {};
	struct http *http = NULL;

	(void)state;
	server_start(&server);
	assert_int_equal(http_new(&http), 0);
	for (int i = 0; i <= HTTP_REQUESTS_MAX; i++) {
		struct http_request request = request_to(&server, &answers[i]);

		assert_int_equal(http_start(http, &request), i < HTTP_REQUESTS_MAX ? 0 : -EBUSY);
	}
	/* Those under way end in silence. */
	http_free(&http);
	for (int i = 0; i <= HTTP_REQUESTS_MAX; i++)
		assert_false(answers[i].done);
	server_stop(&server);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	static const struct {
		const char *value;
		int64_t seconds;
	} cases[] = {
		{"0", 0},
		{"120", 120},
		{"99999999999999999999", -1},
		{"-1", -1},
		{"1.5", -1},
		{"3 apples", -1},
		{"", -1},
		{"soon", -1},
		{"Wed, 21 Oct 2015 07:28:00 GMT", 80},
		{"Wed, 21 Oct 2015 07:00:00 GMT", 0},
	};

	struct http *http = NULL;

	(void)state;
	assert_int_equal(http_new(&http), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(http_retry_after(http, cases[i].value, 1445412400),
				 cases[i].seconds);
	http_free(&http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_sent_and_its_answer_read),
		cmocka_unit_test(a_connection_is_used_again),
		cmocka_unit_test(a_redirect_is_an_answer),
		cmocka_unit_test(a_header_is_found_by_name),
		cmocka_unit_test(an_answer_has_an_end),
		cmocka_unit_test(a_body_is_handed_over_as_it_arrives),
		cmocka_unit_test(headers_have_an_end),
		cmocka_unit_test(half_an_answer_is_none),
		cmocka_unit_test(no_answer_is_none),
		cmocka_unit_test(a_server_that_hangs_is_left),
		cmocka_unit_test(nobody_there_is_said),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
		cmocka_unit_test(requests_at_once_are_bounded),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
