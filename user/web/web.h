/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The HTTP server: /metrics, /healthz, /readyz, and the live page with what it asks for. No thread of its own:
 * when web_epoll_fd() is readable, or web_timeout_ms() have passed, call web_run().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "metric/metric.h"

/* What is behind the pages. Called from web_run(). */
struct web_handlers {
	void *arg;
	/* Appends the exposition. 0 or -errno. */
	int (*metrics)(void *arg, enum metric_format format, struct buf *out);
	/*
	 * Of the live page, which is there when none of them is NULL.
	 * Appends the JSON of /api/live and the JSON lines of /api/runs. 0 or -errno. See sink/view.h.
	 */
	int (*live)(void *arg, uint64_t after_ms, size_t first_row, struct buf *out);
	int (*runs)(void *arg, struct buf *out);
	/* Appends the JSON lines of /api/spans. 0 or -errno. See span/recent_spans.h. */
	int (*spans)(void *arg, struct buf *out);
	/* False: answered 503. Both append their reasons as lines of text, which may be none. */
	bool (*healthy)(void *arg, struct buf *reasons);
	bool (*ready)(void *arg, struct buf *reasons);
};

struct web;

#define _cleanup_web_ __attribute__((cleanup(web_stop)))

/* Strings outlive the server. */
struct web_options {
	const char *host; /* this and port: as for listen_open() */
	const char *port;
	const char *config_file; /* --web.config.file; NULL: plain HTTP for everybody */
};

/* Copies handlers. Errors as for listen_open(); or, with a message, of the configuration file. */
int web_start(const struct web_options *options, const struct web_handlers *handlers,
	      struct web **ret, struct buf *message);
/* For --check-config: 0, or -EINVAL with a message. */
int web_check(const char *config_file, struct buf *message);
/*
 * Once a second or so: reads the configuration again when a file of it has changed, and ends connections that take
 * their time to send a request. In what it logs it says why it keeps the old one.
 */
void web_tick(struct web *web, uint64_t now_ns);
/* Reads the configuration again, whether it has changed or not. */
void web_reload(struct web *web);
void web_stop(struct web **web);
/* The address it is bound to, as HOST:PORT with the real port. Owned by web. */
const char *web_address(const struct web *web);
int web_epoll_fd(const struct web *web);
/* -1 = no limit. */
int web_timeout_ms(const struct web *web);
void web_run(struct web *web);
