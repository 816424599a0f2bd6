/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * --web.config.file: who may read, and how it is encrypted, in the format of Prometheus' exporter-toolkit. What
 * that format allows and this server will not do (versions below TLS 1.2, weak ciphers) is refused, not ignored.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define WEB_USERS_MAX 64
#define WEB_SANS_MAX 64
#define WEB_HEADERS_MAX 8
/* 4 times the cost doubles the time of the one thread: 12 is a quarter of a second. */
#define WEB_BCRYPT_COST_MAX 12u

enum web_client_auth {
	WEB_CLIENT_NONE,     /* not asked for */
	WEB_CLIENT_REQUEST,  /* asked for, not looked at */
	WEB_CLIENT_ANY,	     /* must be there, not looked at */
	WEB_CLIENT_IF_GIVEN, /* if there, it must be good */
	WEB_CLIENT_REQUIRED, /* must be there and good */
};

struct web_user {
	char *name;
	char *hash; /* bcrypt: $2a$, $2b$ or $2y$ */
};

struct web_header {
	char *name;
	char *value;
};

/* Strings are owned; NULL where not given. Paths are as they can be opened. */
struct web_config {
	bool has_tls;
	char *cert_path;
	char *key_path;
	char *client_ca_path;
	char *cert; /* PEM inside the file, instead of a path */
	char *key;
	char *client_ca;
	enum web_client_auth client_auth;
	char *sans[WEB_SANS_MAX]; /* names, one of which a client's certificate must have */
	size_t san_count;
	char *priorities; /* GnuTLS' words for versions, ciphers and groups */
	struct web_header headers[WEB_HEADERS_MAX];
	size_t header_count;
	struct web_user users[WEB_USERS_MAX];
	size_t user_count;
};

#define _cleanup_web_config_ __attribute__((cleanup(web_config_free)))

/*
 * text: n bytes of the file named path, which goes before the relative paths in it and into messages. 0; -EINVAL
 * with `FILE:LINE: KEY: what is wrong` in message; -ENOMEM.
 */
int web_config_parse(const char *path, const char *text, size_t n, struct web_config **ret,
		     struct buf *message);
void web_config_free(struct web_config **config);
