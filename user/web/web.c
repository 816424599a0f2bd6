/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "web/assets.h"
#include "web/bodies.h"
#include "web/clients.h"
#include "web/listen.h"
#include "web/negotiate.h"
#include "web/secure.h"

/* Longer than the usual scrape interval of a minute, so that a scraper's connection is kept. */
#define CONNECTION_TIMEOUT_S 75u
/* Request and response headers: a scraper's are 500 bytes; room for what proxies add. */
#define CONNECTION_MEMORY_BYTES ((size_t)8192)

#define TYPE_PLAIN "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"
#define TYPE_JSON_LINES "application/x-ndjson"
#define TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

struct web {
	struct web_handlers handlers;
	bool has_page;
	struct clients clients;
	struct bodies bodies;
	int epoll_fd; /* holds the daemon's, which changes with the configuration */
	int listen_fd;
	struct MHD_Daemon *daemon;
	const char *config_file;
	struct secure *secure;
	struct secure_stamps stamps;
	struct buf complaint; /* why the configuration was not taken; empty: it was */
	uint64_t checked_ns;
	char address[LISTEN_ADDRESS_BYTES];
};

struct route {
	const char *path;
	bool is_open; /* probes of an orchestrator have no password; what they get says no more than a status */
	bool is_of_page; /* what the live page asks for */
	enum MHD_Result (*answer)(struct web *web, struct MHD_Connection *connection);
};

static void cleanup_response(struct MHD_Response **response)
{
	if (*response)
		MHD_destroy_response(*response);
}

#define _cleanup_response_ _cleanup_(cleanup_response)

/* NULL when the table of clients was full at its start. */
static struct client *connection_client(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

static const char *request_header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* All answers pass here: with the headers that --web.config.file asks for. */
static enum MHD_Result queue(struct MHD_Connection *connection, unsigned status,
			     struct MHD_Response *response)
{
	const struct web_config *config = connection_client(connection)->web->secure->config;

	for (size_t i = 0; config && i < config->header_count; i++) {
		if (!MHD_add_response_header(response, config->headers[i].name,
					     config->headers[i].value))
			return MHD_NO;
	}
	return MHD_queue_response(connection, status, response);
}

/* A short answer; header and value may be NULL. */
static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
				 const char *type, const char *text, const char *header,
				 const char *value)
{
	_cleanup_response_ struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	if (!response || !MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type))
		return MHD_NO;
	if (header && !MHD_add_response_header(response, header, value))
		return MHD_NO;
	return queue(connection, status, response);
}

static enum MHD_Result send_plain(struct MHD_Connection *connection, unsigned status,
				  const char *text)
{
	return send_text(connection, status, TYPE_PLAIN, text, NULL, NULL);
}

static enum MHD_Result send_body(struct MHD_Connection *connection, struct body *body,
				 const char *type, bool gzip)
{
	const struct buf *buf = gzip ? &body->gzip : &body->plain;
	_cleanup_response_ struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback_cls(buf->len, buf->data,
								       body_release, body);

	if (!response) {
		body_release(body);
		return MHD_NO;
	}
	/* From here on the response gives the body back when it is destroyed. */
	if (!MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) ||
	    !MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding"))
		return MHD_NO;
	if (gzip && !MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip"))
		return MHD_NO;
	return queue(connection, MHD_HTTP_OK, response);
}

/* What is rendered for each request: a scrape, and what the live page asks for. */
static enum MHD_Result answer_rendered(
	struct web *web, struct MHD_Connection *connection, const char *type,
	int (*render)(struct web *web, struct MHD_Connection *connection, struct buf *out))
{
	bool gzip = negotiate_gzip(request_header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	struct body *body = bodies_take(&web->bodies, connection_client(connection));

	if (!body)
		return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, TYPE_PLAIN,
				 "too many scrapes at once\n", MHD_HTTP_HEADER_RETRY_AFTER, "1");

	struct client *slowest = bodies_slowest(&web->bodies);
	if (slowest)
		clients_shut(&web->clients, slowest);

	int r = render(web, connection, &body->plain);
	if (r == 0)
		r = buf_error(&body->plain);
	if (r < 0) {
		log_error("cannot render an answer: %s", strerror(-r));
		body_release(body);
		return send_plain(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
				  "cannot render the answer\n");
	}
	return send_body(connection, body, type, gzip && body_compress(body) == 0);
}

static enum metric_format wanted_format(struct MHD_Connection *connection)
{
	return negotiate_format(request_header(connection, MHD_HTTP_HEADER_ACCEPT));
}

static int render_metrics(struct web *web, struct MHD_Connection *connection, struct buf *out)
{
	return web->handlers.metrics(web->handlers.arg, wanted_format(connection), out);
}

static enum MHD_Result answer_metrics(struct web *web, struct MHD_Connection *connection)
{
	bool is_text = wanted_format(connection) == METRIC_FORMAT_TEXT;

	return answer_rendered(web, connection, is_text ? TYPE_TEXT : TYPE_OPENMETRICS,
			       render_metrics);
}

/* A number of the query; 0 where it is missing or none. */
static uint64_t query_number(struct MHD_Connection *connection, const char *name)
{
	const char *text = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);

	return text && *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

static int render_live(struct web *web, struct MHD_Connection *connection, struct buf *out)
{
	return web->handlers.live(web->handlers.arg, query_number(connection, "after"),
				  query_number(connection, "rows"), out);
}

static enum MHD_Result answer_live(struct web *web, struct MHD_Connection *connection)
{
	return answer_rendered(web, connection, TYPE_JSON, render_live);
}

static int render_runs(struct web *web, struct MHD_Connection *connection, struct buf *out)
{
	(void)connection;
	return web->handlers.runs(web->handlers.arg, out);
}

static enum MHD_Result answer_runs(struct web *web, struct MHD_Connection *connection)
{
	return answer_rendered(web, connection, TYPE_JSON_LINES, render_runs);
}

static int render_spans(struct web *web, struct MHD_Connection *connection, struct buf *out)
{
	(void)connection;
	return web->handlers.spans(web->handlers.arg, out);
}

static enum MHD_Result answer_spans(struct web *web, struct MHD_Connection *connection)
{
	return answer_rendered(web, connection, TYPE_JSON_LINES, render_spans);
}

static void cleanup_mhd(char **text)
{
	if (*text)
		MHD_free(*text);
}

/* Right, too, where no password is asked for. */
static enum password_answer password_check(struct web *web, struct MHD_Connection *connection)
{
	_cleanup_(cleanup_mhd) char *password = NULL;
	_cleanup_(cleanup_mhd) char *user = NULL;

	if (!web->secure->passwords)
		return PASSWORD_RIGHT;
	user = MHD_basic_auth_get_username_password(connection, &password);
	if (!user || !password)
		return PASSWORD_WRONG;
	return passwords_check(web->secure->passwords, user, password, clock_monotonic_ns());
}

static enum MHD_Result refuse(struct MHD_Connection *connection, enum password_answer why)
{
	if (why == PASSWORD_BUSY)
		return send_text(connection, MHD_HTTP_TOO_MANY_REQUESTS, TYPE_PLAIN,
				 "too many wrong passwords\n", MHD_HTTP_HEADER_RETRY_AFTER,
				 PASSWORD_RETRY_SECONDS);
	return send_text(connection, MHD_HTTP_UNAUTHORIZED, TYPE_PLAIN, "unauthorized\n",
			 MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"bunscope\"");
}

static enum MHD_Result answer_state(struct web *web, struct MHD_Connection *connection,
				    bool (*good)(void *arg, struct buf *reasons))
{
	_cleanup_buf_ struct buf text = {};
	bool is_good = good(web->handlers.arg, &text);

	/* The reasons are for those who may read. */
	if (text.len == 0 || password_check(web, connection) != PASSWORD_RIGHT) {
		buf_clear(&text);
		buf_append_cstr(&text, is_good ? "ok\n" : "not ok\n");
	}
	return send_plain(connection, is_good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			  buf_cstr(&text));
}

static enum MHD_Result answer_healthz(struct web *web, struct MHD_Connection *connection)
{
	return answer_state(web, connection, web->handlers.healthy);
}

static enum MHD_Result answer_readyz(struct web *web, struct MHD_Connection *connection)
{
	return answer_state(web, connection, web->handlers.ready);
}

static enum MHD_Result send_asset(struct MHD_Connection *connection, const struct asset *asset)
{
	const char *known = request_header(connection, MHD_HTTP_HEADER_IF_NONE_MATCH);
	bool gzip = negotiate_gzip(request_header(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	bool is_known = asset_is_known(asset, known);
	_cleanup_response_ struct MHD_Response *response = asset_response(asset, is_known, gzip);

	if (!response)
		return MHD_NO;
	return queue(connection, is_known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

static const struct route routes[] = {
	{"/metrics", .answer = answer_metrics},
	{"/healthz", .is_open = true, .answer = answer_healthz},
	{"/readyz", .is_open = true, .answer = answer_readyz},
	{"/api/live", .is_of_page = true, .answer = answer_live},
	{"/api/runs", .is_of_page = true, .answer = answer_runs},
	{"/api/spans", .is_of_page = true, .answer = answer_spans},
};

static const struct route *route_find(const struct web *web, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(routes[i].path, path) == 0)
			return routes[i].is_of_page && !web->has_page ? NULL : &routes[i];
	}
	return NULL;
}

static bool request_has_body(struct MHD_Connection *connection)
{
	const char *length = request_header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);

	if (request_header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		return true;
	return length && strspn(length, "0") != strlen(length);
}

/* Called once a request, with its headers: nothing here reads a body, so the answer is always at
 * hand. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_bytes, void **request)
{
	struct client *client = connection_client(connection);
	struct web *web = arg;
	const struct route *route = route_find(web, path);
	const struct asset *asset = web->has_page ? asset_find(path) : NULL;

	(void)version;
	(void)upload;
	(void)upload_bytes;
	if (!client)
		return MHD_NO;
	if (!*request && !request_has_body(connection)) {
		*request = web;
		return MHD_YES;
	}
	clients_heard(&web->clients, client, clock_monotonic_ns());
	if (!route || !route->is_open) {
		enum password_answer password = password_check(web, connection);

		if (password != PASSWORD_RIGHT)
			return refuse(connection, password);
	}
	if (!route && !asset)
		return send_plain(connection, MHD_HTTP_NOT_FOUND, "not found\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TYPE_PLAIN,
				 "method not allowed\n", MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	if (request_has_body(connection))
		return send_plain(connection, MHD_HTTP_CONTENT_TOO_LARGE, "no body is wanted\n");
	return route ? route->answer(web, connection) : send_asset(connection, asset);
}

/* NULL: it is not answered. */
static struct client *client_add(struct web *web, struct MHD_Connection *connection, int fd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (web->secure->tls &&
	    (!info || tls_session_begin(web->secure->tls, info->tls_session) < 0))
		return NULL;
	struct client *client = clients_add(&web->clients, fd, clock_monotonic_ns());
	if (client)
		client->web = web;
	return client;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct web *web = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*context = client_add(web, connection, info->connect_fd);
	else if (*context)
		clients_remove(&web->clients, *context);
}

/* What strangers can cause, such as a request that is no HTTP, is not worth more than debug. */
static void on_library_message(void *arg, const char *format, va_list args)
{
	char text[256];

	(void)arg;
	(void)vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("web: %s", text);
}

/* secure: what it is to be served with; that of web is the old one until it works. */
static struct MHD_Daemon *daemon_start(struct web *web, const struct secure *secure, int listen_fd)
{
	const struct tls *tls = secure->tls;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? tls->cert.data : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? tls->key.data : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, tls ? secure->config->priorities : NULL},
		{tls && tls->ca.len ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0,
		 tls ? tls->ca.data : NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	/* The library's own limit stands above ours: reaching it would stop accepting. */
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_library_message, NULL},
		{MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL},
		{MHD_OPTION_CONNECTION_LIMIT, CLIENT_SLOTS, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_TIMEOUT_S, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, web},
		{tls ? MHD_OPTION_ARRAY : MHD_OPTION_END, 0, tls_options},
		{MHD_OPTION_END, 0, NULL},
	};

	return MHD_start_daemon(tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, answer, web,
				MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

/* It gives up the listening socket first: the library would shut it down for the one that follows. */
static void daemon_stop(struct web *web)
{
	if (!web->daemon)
		return;
	int fd = MHD_quiesce_daemon(web->daemon);
	if (fd >= 0)
		(void)close(fd);
	MHD_stop_daemon(web->daemon);
	web->daemon = NULL;
}

static int daemon_epoll_fd(const struct web *web)
{
	return MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

/*
 * Serves with secure instead of what was before. The old connections end: whom they were opened for may have
 * lost the right to them. Those that wait to be accepted are not touched.
 */
static int daemon_replace(struct web *web, struct secure **secure)
{
	struct epoll_event event = {.events = EPOLLIN};
	_cleanup_close_ int fd = fcntl(web->listen_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	errno = ENOMEM;
	struct MHD_Daemon *daemon = daemon_start(web, *secure, fd);
	if (!daemon)
		return -errno;
	(void)take_fd(fd); /* closed by the library */
	daemon_stop(web);
	secure_free(&web->secure);
	web->daemon = daemon;
	web->secure = take_ptr(*secure);
	if (epoll_ctl(web->epoll_fd, EPOLL_CTL_ADD, daemon_epoll_fd(web), &event) < 0)
		return -errno;
	return 0;
}

static int listener_open(struct web *web, const struct web_options *options)
{
	int r = listen_open(options->host, options->port, &web->listen_fd);

	if (r == 0)
		r = listen_address(web->listen_fd, web->address);
	if (r < 0)
		return r;
	web->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return web->epoll_fd < 0 ? -errno : 0;
}

int web_start(const struct web_options *options, const struct web_handlers *handlers,
	      struct web **ret, struct buf *message)
{
	_cleanup_secure_ struct secure *secure = NULL;
	_cleanup_web_ struct web *web = calloc(1, sizeof(*web));

	if (!web)
		return -ENOMEM;
	web->handlers = *handlers;
	web->has_page = handlers->live && handlers->runs && handlers->spans;
	web->config_file = options->config_file;
	web->listen_fd = -1;
	web->epoll_fd = -1;
	clients_init(&web->clients);
	bodies_init(&web->bodies);

	secure_stamp(web->config_file, NULL, &web->stamps);
	int r = secure_read(web->config_file, &secure, message);
	if (r == 0)
		r = listener_open(web, options);
	if (r == 0)
		r = daemon_replace(web, &secure);
	if (r < 0)
		return r;
	*ret = take_ptr(web);
	return 0;
}

void web_stop(struct web **web)
{
	if (!*web)
		return;
	daemon_stop(*web);
	cleanup_close(&(*web)->listen_fd);
	cleanup_close(&(*web)->epoll_fd);
	secure_free(&(*web)->secure);
	bodies_free(&(*web)->bodies);
	buf_free(&(*web)->complaint);
	free(*web);
	*web = NULL;
}

int web_check(const char *config_file, struct buf *message)
{
	_cleanup_secure_ struct secure *secure = NULL;

	return secure_read(config_file, &secure, message);
}

/* Once for each reason, not once a second. */
static void complain(struct web *web, struct buf *why, int r)
{
	if (why->len == 0)
		buf_append_cstr(why, strerror(-r));
	if (strcmp(buf_cstr(why), buf_cstr(&web->complaint)) == 0)
		return;
	log_error("%s; what was read before stands", buf_cstr(why));
	buf_clear(&web->complaint);
	buf_append(&web->complaint, why->data, why->len);
}

void web_reload(struct web *web)
{
	_cleanup_secure_ struct secure *secure = NULL;
	_cleanup_buf_ struct buf why = {};

	if (!web->config_file)
		return;
	secure_stamp(web->config_file, web->secure, &web->stamps);
	int r = secure_read(web->config_file, &secure, &why);
	bool same =
		r == 0 && memcmp(secure->digest, web->secure->digest, sizeof(secure->digest)) == 0;
	if (r == 0 && !same)
		r = daemon_replace(web, &secure);
	if (r < 0) {
		complain(web, &why, r);
		return;
	}
	if (!same || web->complaint.len)
		log_info("read %s again", web->config_file);
	buf_clear(&web->complaint);
}

void web_tick(struct web *web, uint64_t now_ns)
{
	struct secure_stamps stamps;

	if (now_ns - web->checked_ns < NS_PER_SECOND)
		return;
	web->checked_ns = now_ns;
	clients_expire(&web->clients, now_ns);
	if (!web->config_file)
		return;
	secure_stamp(web->config_file, web->secure, &stamps);
	/* What is wrong may be mended by a file that is not among those read before. */
	if (web->complaint.len || memcmp(&stamps, &web->stamps, sizeof(stamps)) != 0)
		web_reload(web);
}

const char *web_address(const struct web *web)
{
	return web->address;
}

int web_epoll_fd(const struct web *web)
{
	return web->epoll_fd;
}

int web_timeout_ms(const struct web *web)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (!MHD_get_timeout(web->daemon, &ms))
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void web_run(struct web *web)
{
	(void)MHD_run(web->daemon);
}
