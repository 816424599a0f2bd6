/* SPDX-License-Identifier: Apache-2.0 */
#include "pod_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "http/http.h"
#include "identity/pods.h"
#include "sink/families.h"

#define STATUS_OK 200

struct pod_names {
	const struct config *config;
	struct http *http;
	struct owners *owners;
	struct pods_reader reader;
	bool under_way;
	bool failing; /* said so in the log */
	uint64_t not_before_ns;
	uint64_t pause_ns;
	uint64_t lists;
	uint64_t failures;
};

/* ---- an answer ---- */

static void on_pod(void *arg, const struct pod *pod)
{
	owners_name(((struct pod_names *)arg)->owners, pod);
}

static int on_bytes(void *arg, const char *bytes, size_t n)
{
	return pods_read(&((struct pod_names *)arg)->reader, bytes, n);
}

static void say_failing(struct pod_names *names, const char *why)
{
	names->failures++;
	if (!names->failing)
		log_warn("pods have no names: %s", why);
	names->failing = true;
}

static void say_working(struct pod_names *names)
{
	names->lists++;
	if (names->failing)
		log_info("pods have names again");
	names->failing = false;
}

static void on_done(void *arg, const struct http_response *response)
{
	struct pod_names *names = arg;
	_cleanup_buf_ struct buf why = {};

	names->under_way = false;
	if (response->error)
		buf_append_cstr(&why, response->message);
	else if (response->status != STATUS_OK)
		buf_printf(&why, "the answer has status %u", response->status);
	else if (pods_end(&names->reader) < 0)
		buf_append_cstr(&why, "the answer is no list of pods");
	if (why.len)
		say_failing(names, buf_cstr(&why));
	else
		say_working(names);
}

/* ---- a request ---- */

/* The line that goes with it; "" where no token is configured. It is replaced now and then, hence read each time. */
static int read_token(const struct config *config, struct buf *ret)
{
	buf_append_cstr(ret, "Authorization: Bearer ");
	int r = file_read(config->pods_token_file, PODS_TOKEN_BYTES_MAX, ret);
	while (r == 0 && ret->len && strchr(" \r\n", ret->data[ret->len - 1]))
		ret->len--;
	return r ?: buf_error(ret);
}

static int ask(struct pod_names *names)
{
	const struct config *config = names->config;
	_cleanup_buf_ struct buf token = {};
	const char *headers[] = {"Accept: application/json",
				 "User-Agent: bunscope/" BUNSCOPE_VERSION, NULL, NULL};
	const struct http_request request = {
		.method = "GET",
		.url = config->pods_url,
		.headers = headers,
		.timeout_ms = PODS_TIMEOUT_MS,
		.answer_bytes_max = PODS_ANSWER_BYTES_MAX,
		.ca_file = config->pods_ca_file,
		.arrived = on_bytes,
		.done = on_done,
		.arg = names,
	};
	int r = config->pods_token_file ? read_token(config, &token) : 0;

	if (r < 0)
		return r;
	if (token.len)
		headers[2] = buf_cstr(&token);
	pods_begin(&names->reader, on_pod, names);
	r = http_start(names->http, &request);
	names->under_way = r == 0;
	return r;
}

static void set_pause(struct pod_names *names, uint64_t now_ns)
{
	names->not_before_ns = now_ns + names->pause_ns;
	names->pause_ns *= 2;
	if (names->pause_ns > PODS_PAUSE_LAST_NS)
		names->pause_ns = PODS_PAUSE_LAST_NS;
}

void pod_names_tick(struct pod_names *names, struct owners *owners, uint64_t now_ns)
{
	names->owners = owners;
	if (names->under_way)
		return;
	if (!owners_want_names(owners)) {
		names->pause_ns = PODS_PAUSE_FIRST_NS;
		return;
	}
	if (now_ns < names->not_before_ns)
		return;
	set_pause(names, now_ns);
	int r = ask(names);
	if (r < 0)
		say_failing(names, strerror(-r));
}

/* ---- start and end ---- */

static void on_http(void *arg)
{
	http_run(((struct pod_names *)arg)->http);
}

int pod_names_start(const struct config *config, struct loop *loop, struct pod_names **ret)
{
	_cleanup_(pod_names_stop) struct pod_names *names = NULL;

	if (!config->pods_url)
		return 0;
	names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	names->config = config;
	names->pause_ns = PODS_PAUSE_FIRST_NS;
	int r = http_new(&names->http);
	if (r == 0)
		r = loop_add(loop, http_fd(names->http), on_http, names);
	if (r == 0)
		*ret = take_ptr(names);
	return r;
}

void pod_names_stop(struct pod_names **owner)
{
	struct pod_names *names = take_ptr(*owner);

	if (!names)
		return;
	http_free(&names->http);
	pods_free(&names->reader);
	free(names);
}

/* ---- metrics ---- */

void pod_names_update(const struct pod_names *names, struct registry *registry)
{
	static const char *const ok[] = {"ok"}, *const failed[] = {"failed"};
	struct series *lists = registry_series(registry, FAMILY_POD_LISTS, ok);
	struct series *failures = registry_series(registry, FAMILY_POD_LISTS, failed);

	if (lists)
		series_set(lists, names ? names->lists : 0);
	if (failures)
		series_set(failures, names ? names->failures : 0);
}
