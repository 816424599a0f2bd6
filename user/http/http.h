/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An HTTP client for a few requests at once, on libcurl's multi interface. It has one descriptor:
 * put http_fd() into a loop and call http_run() when it is readable; nothing here blocks. libcurl is loaded by
 * http_new(), before a sandbox is closed, so that an agent that asks nobody does without it.
 *
 * No thread of ours. libcurl resolves names in a short-lived thread of its own (getaddrinfo() has no other
 * way); a numeric address needs none. A resolver that hangs is left behind when its request times out.
 *
 * Redirects are not followed, answers are not decompressed, other protocols than http and https are refused,
 * and certificates are verified. The environment's proxies (https_proxy, no_proxy) are obeyed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_REQUESTS_MAX 8	     /* at once */
#define HTTP_HEADERS_MAX 40	     /* of a request */
#define HTTP_ANSWER_HEAD_BYTES 32768 /* of all header lines of an answer */
#define HTTP_MESSAGE_BYTES 256	     /* libcurl's CURL_ERROR_SIZE */

struct http;
struct http_response;

struct http_request {
	const char *method; /* "GET", "POST" */
	const char *url;
	const char *const *headers; /* "Name: value", NULL-terminated; NULL = none */
	const void *body;	    /* NULL = none; must outlive the request */
	size_t body_bytes;
	unsigned timeout_ms;	 /* for everything: name, connection, TLS, answer; not 0 */
	size_t answer_bytes_max; /* more than that is -EMSGSIZE */
	const char *ca_file;	 /* instead of the system's; NULL = the system's */
	const char *client_cert; /* PEM files; NULL = none */
	const char *client_key;
	/*
	 * NULL: the answer's body is kept for done(). Otherwise that of a 200 is handed over as it arrives, and done()
	 * gets none; -errno ends the request with that error.
	 */
	int (*arrived)(void *arg, const char *bytes, size_t n);
	/* Once, from http_run(), never from http_start(). It may start the next request. */
	void (*done)(void *arg, const struct http_response *response);
	void *arg;
};

/* Lives until done() returns. */
struct http_response {
	/*
	 * 0: answered, whatever the status. Otherwise why there is no whole answer: -ETIMEDOUT, -ECONNREFUSED
	 * (nobody there, or no such name), -EPROTO (TLS: whom we met is not who was asked for), -EMSGSIZE, -EIO.
	 */
	int error;
	unsigned status;     /* 0 = no status line arrived; may be there beside an error */
	const char *message; /* of an error, one line; "" without */
	const char *body;    /* not NUL-terminated; what there is of it beside an error */
	size_t body_bytes;
	const void *transfer; /* for http_header() */
};

/* 0 or -errno; http_strerror() has more to say about -ELIBACC, and so takes the place of strerror(). */
int http_new(struct http **ret);
const char *http_strerror(int error);
/* Requests under way end without a call of done(). */
void http_free(struct http **owner);
/* An epoll descriptor: readable when http_run() has something to do. */
int http_fd(const struct http *http);
void http_run(struct http *http);
/*
 * The request itself is copied, its body is not. 0; -EBUSY when HTTP_REQUESTS_MAX are under way; -EINVAL, -E2BIG
 * for a URL or headers that cannot be asked for; -ENOMEM.
 */
int http_start(struct http *http, const struct http_request *request);
/* A header of the answer: its first value. NULL when it has none. Lives as long as the response. */
const char *http_header(const struct http_response *response, const char *name);

/* Whether http_start() could ask for it: an absolute http:// or https:// URL with a host. */
bool http_url_valid(const char *url);
/*
 * The seconds that a Retry-After header asks for: a number, or a date compared with now_s (Unix time).
 * -1 when it is neither; a date that is over is 0.
 */
int64_t http_retry_after(const struct http *http, const char *value, int64_t now_s);
