/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a TLS connection of this server is made with: read from files, checked once, then handed to each connection. */
#include <gnutls/gnutls.h>

#include "base/buf.h"
#include "web/web_config.h"

struct tls {
	struct buf cert; /* PEM, NUL-terminated */
	struct buf key;
	struct buf ca; /* empty = none */
	const struct web_config *config;
};

#define _cleanup_tls_ __attribute__((cleanup(tls_free)))

/*
 * config, which must have TLS, outlives it. 0; -EINVAL with `FILE: what is wrong` in message when a file cannot be
 * read, or its contents do not fit together; -ENOMEM.
 */
int tls_new(const struct web_config *config, struct tls **ret, struct buf *message);
void tls_free(struct tls **tls);
/* Before the handshake: what it asks of the client. tls outlives the session. 0 or -EIO. */
int tls_session_begin(const struct tls *tls, gnutls_session_t session);
