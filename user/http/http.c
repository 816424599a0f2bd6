/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "http/libcurl.h"

#define EVENTS_MAX 16
#define STATUS_OK 200
#define ARRIVED_BYTES 2048l

struct transfer {
	struct http *http;
	CURL *easy; /* NULL = free */
	struct curl_slist *headers;
	struct buf body;
	size_t body_bytes; /* that arrived */
	size_t body_bytes_max;
	int refused; /* what arrived() said, 0 = nothing */
	size_t head_bytes;
	bool too_long;
	char message[HTTP_MESSAGE_BYTES];
	int (*arrived)(void *arg, const char *bytes, size_t n);
	void (*done)(void *arg, const struct http_response *response);
	void *arg;
};

struct http {
	struct libcurl curl;
	CURLM *multi;
	int epoll_fd;
	int timer_fd;
	struct transfer transfers[HTTP_REQUESTS_MAX];
};

_Static_assert(HTTP_MESSAGE_BYTES >= CURL_ERROR_SIZE, "libcurl writes that much");

/* ---- what libcurl waits for: its sockets and its timer become one descriptor ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct http *http = arg;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		/* Fails when libcurl has closed it already: then epoll forgot it as well. */
		(void)epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events |= what & CURL_POLL_IN ? EPOLLIN : 0;
	event.events |= what & CURL_POLL_OUT ? EPOLLOUT : 0;
	if (epoll_ctl(http->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
		return -1;
	(void)http->curl.multi_assign(http->multi, fd, http);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *http = arg;
	struct itimerspec timer = {};

	(void)multi;
	if (timeout_ms >= 0) {
		timer.it_value.tv_sec = timeout_ms / 1000;
		timer.it_value.tv_nsec = timeout_ms % 1000 * 1000000;
		timer.it_value.tv_nsec += timeout_ms == 0; /* all zero would stop it */
	}
	return timerfd_settime(http->timer_fd, 0, &timer, NULL) < 0 ? -1 : 0;
}

static int wait_init(struct http *http)
{
	struct epoll_event event = {.events = EPOLLIN};

	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (http->epoll_fd < 0)
		return -errno;
	http->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (http->timer_fd < 0)
		return -errno;
	event.data.fd = http->timer_fd;
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &event) < 0)
		return -errno;
	return 0;
}

/* ---- an answer ---- */

static unsigned status_of(const struct transfer *transfer)
{
	long status = 0;

	(void)transfer->http->curl.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return (unsigned)status;
}

static size_t hand_over(struct transfer *transfer, const char *bytes, size_t n)
{
	if (status_of(transfer) != STATUS_OK)
		return n;
	transfer->refused = transfer->arrived(transfer->arg, bytes, n);
	return transfer->refused < 0 ? 0 : n;
}

static size_t on_body(const char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;

	(void)size; /* always 1 */
	transfer->too_long = n > transfer->body_bytes_max - transfer->body_bytes;
	if (transfer->too_long)
		return 0; /* ends the transfer */
	transfer->body_bytes += n;
	if (transfer->arrived)
		return hand_over(transfer, bytes, n);
	buf_append(&transfer->body, bytes, n);
	return buf_error(&transfer->body) < 0 ? 0 : n;
}

static size_t on_header(const char *bytes, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;

	(void)bytes;
	(void)size;
	transfer->head_bytes += n;
	transfer->too_long = transfer->head_bytes > HTTP_ANSWER_HEAD_BYTES;
	return transfer->too_long ? 0 : n;
}

static int error_of(CURLcode code, bool too_long)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return -EPROTO;
	default:
		return too_long ? -EMSGSIZE : -EIO;
	}
}

static void transfer_clear(struct transfer *transfer)
{
	const struct libcurl *curl = &transfer->http->curl;

	if (transfer->easy) {
		(void)curl->multi_remove_handle(transfer->http->multi, transfer->easy);
		curl->easy_cleanup(transfer->easy);
	}
	if (transfer->headers)
		curl->slist_free_all(transfer->headers);
	buf_free(&transfer->body);
	*transfer = (struct transfer){.http = transfer->http};
}

static void transfer_end(struct transfer *transfer, CURLcode code)
{
	if (code != CURLE_OK && transfer->message[0] == '\0')
		strncpy(transfer->message, transfer->http->curl.easy_strerror(code),
			HTTP_MESSAGE_BYTES - 1);
	if (transfer->too_long)
		strcpy(transfer->message, "the answer is too long");
	if (transfer->refused)
		strncpy(transfer->message, strerror(-transfer->refused), HTTP_MESSAGE_BYTES - 1);
	struct http_response response = {
		.error = transfer->refused ?: error_of(code, transfer->too_long),
		.status = status_of(transfer),
		.message = transfer->message,
		.body = transfer->body.data,
		.body_bytes = transfer->body.len,
		.transfer = transfer,
	};
	transfer->done(transfer->arg, &response);
	transfer_clear(transfer);
}

const char *http_header(const struct http_response *response, const char *name)
{
	const struct transfer *transfer = response->transfer;
	struct curl_header *header = NULL;

	if (transfer->http->curl.easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) !=
	    CURLHE_OK)
		return NULL;
	return header->value;
}

/* ---- a request ---- */

static int add_header(struct transfer *transfer, const char *header)
{
	struct curl_slist *longer = transfer->http->curl.slist_append(transfer->headers, header);

	if (!longer)
		return -ENOMEM;
	transfer->headers = longer;
	return 0;
}

static int add_headers(struct transfer *transfer, const char *const *headers)
{
	/* Without the pause in which a server may say that it wants the body. */
	int r = add_header(transfer, "Expect:");

	for (size_t i = 0; r == 0 && headers && headers[i]; i++) {
		if (i == HTTP_HEADERS_MAX)
			return -E2BIG;
		if (strpbrk(headers[i], "\r\n"))
			return -EINVAL;
		r = add_header(transfer, headers[i]);
	}
	return r;
}

/* libcurl copies strings; options that it was built without change nothing that matters here. */
#define set(transfer, option, value)                                                               \
	(void)(transfer)->http->curl.easy_setopt((transfer)->easy, option, value)

static void set_transport(struct transfer *transfer, const struct http_request *request)
{
	set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
	set(transfer, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	set(transfer, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	set(transfer, CURLOPT_NOSIGNAL, 1L);
	/* Its thread may hang in getaddrinfo(): do not wait for it. */
	set(transfer, CURLOPT_QUICK_EXIT, 1L);
	if (request->ca_file) {
		set(transfer, CURLOPT_CAINFO, request->ca_file);
		set(transfer, CURLOPT_CAPATH, NULL);
	}
	if (request->client_cert)
		set(transfer, CURLOPT_SSLCERT, request->client_cert);
	if (request->client_key)
		set(transfer, CURLOPT_SSLKEY, request->client_key);
}

static void set_callbacks(struct transfer *transfer)
{
	set(transfer, CURLOPT_ERRORBUFFER, transfer->message);
	set(transfer, CURLOPT_PRIVATE, transfer);
	set(transfer, CURLOPT_WRITEFUNCTION, on_body);
	set(transfer, CURLOPT_WRITEDATA, transfer);
	set(transfer, CURLOPT_HEADERFUNCTION, on_header);
	set(transfer, CURLOPT_HEADERDATA, transfer);
}

static int transfer_init(struct transfer *transfer, const struct http_request *request)
{
	int r = add_headers(transfer, request->headers);

	if (r < 0)
		return r;
	transfer->body_bytes_max = request->answer_bytes_max;
	transfer->arrived = request->arrived;
	transfer->done = request->done;
	transfer->arg = request->arg;
	set_callbacks(transfer);
	/* libcurl takes a hundred of these before it lets others have their turn. */
	if (request->arrived)
		set(transfer, CURLOPT_BUFFERSIZE, ARRIVED_BYTES);
	set_transport(transfer, request);
	set(transfer, CURLOPT_URL, request->url);
	if (request->body) {
		set(transfer, CURLOPT_POSTFIELDS, request->body);
		set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
	}
	set(transfer, CURLOPT_CUSTOMREQUEST, request->method);
	set(transfer, CURLOPT_HTTPHEADER, transfer->headers);
	return 0;
}

static struct transfer *find_free(struct http *http)
{
	for (size_t i = 0; i < HTTP_REQUESTS_MAX; i++) {
		if (!http->transfers[i].easy)
			return &http->transfers[i];
	}
	return NULL;
}

int http_start(struct http *http, const struct http_request *request)
{
	struct transfer *transfer = find_free(http);

	if (!http_url_valid(request->url))
		return -EINVAL;
	if (!transfer)
		return -EBUSY;
	transfer->easy = http->curl.easy_init();
	if (!transfer->easy)
		return -ENOMEM;
	int r = transfer_init(transfer, request);
	if (r == 0 && http->curl.multi_add_handle(http->multi, transfer->easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0)
		transfer_clear(transfer);
	return r;
}

/* ---- the client ---- */

static void end_finished(struct http *http)
{
	struct transfer *transfer;
	CURLMsg *message;
	int rest;

	while ((message = http->curl.multi_info_read(http->multi, &rest))) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)http->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
					      (char **)&transfer);
		transfer_end(transfer, code);
	}
}

static void on_event(struct http *http, const struct epoll_event *event)
{
	uint64_t expirations;
	int what = 0, running;

	if (event->data.fd == http->timer_fd) {
		(void)!read(http->timer_fd, &expirations, sizeof(expirations));
		(void)http->curl.multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		return;
	}
	what |= event->events & EPOLLIN ? CURL_CSELECT_IN : 0;
	what |= event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	(void)http->curl.multi_socket_action(http->multi, event->data.fd, what, &running);
}

void http_run(struct http *http)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(http->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++)
		on_event(http, &events[i]);
	end_finished(http);
}

int http_fd(const struct http *http)
{
	return http->epoll_fd;
}

static void cleanup_http(struct http **http)
{
	http_free(http);
}

static int multi_init(struct http *http)
{
	const struct libcurl *curl = &http->curl;

	if (curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	http->multi = curl->multi_init();
	if (!http->multi) {
		curl->global_cleanup();
		return -ENOMEM;
	}
	(void)curl->multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl->multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	(void)curl->multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl->multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	return 0;
}

int http_new(struct http **ret)
{
	_cleanup_(cleanup_http) struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	http->epoll_fd = http->timer_fd = -1;
	for (size_t i = 0; i < HTTP_REQUESTS_MAX; i++)
		http->transfers[i].http = http;
	int r = wait_init(http);
	if (r < 0)
		return r;
	r = libcurl_load(&http->curl, LIBCURL_SONAME);
	if (r == 0)
		r = multi_init(http);
	if (r == 0)
		*ret = take_ptr(http);
	return r;
}

void http_free(struct http **owner)
{
	struct http *http = take_ptr(*owner);

	if (!http)
		return;
	for (size_t i = 0; i < HTTP_REQUESTS_MAX; i++)
		transfer_clear(&http->transfers[i]);
	if (http->multi) {
		(void)http->curl.multi_cleanup(http->multi);
		http->curl.global_cleanup();
	}
	libcurl_unload(&http->curl);
	cleanup_close(&http->timer_fd);
	cleanup_close(&http->epoll_fd);
	free(http);
}

/* ---- texts ---- */

int64_t http_retry_after(const struct http *http, const char *value, int64_t now_s)
{
	char *end;

	if (*value >= '0' && *value <= '9') {
		errno = 0;
		long long seconds = strtoll(value, &end, 10);

		return errno || *end ? -1 : seconds;
	}
	/* RFC 9110 10.2.3: a date. -1 also from libcurl, for what is none. */
	time_t date = http->curl.getdate(value, NULL);
	if (date < 0)
		return -1;
	return date > now_s ? date - now_s : 0;
}

const char *http_strerror(int error)
{
	if (error == -ELIBACC)
		return "asking over HTTP takes " LIBCURL_SONAME
		       ", 7.85 or later, which cannot be loaded: install it (Debian: libcurl4)";
	return strerror(-error);
}
