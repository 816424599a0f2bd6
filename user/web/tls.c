/* SPDX-License-Identifier: Apache-2.0 */
#include "web/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

/* A certificate chain, a key, a bundle of all public authorities. */
#define PEM_BYTES ((size_t)1 << 20)
#define SAN_BYTES 256

static void cleanup_credentials(gnutls_certificate_credentials_t *credentials)
{
	if (*credentials)
		gnutls_certificate_free_credentials(*credentials);
}

static void cleanup_crt(gnutls_x509_crt_t *crt)
{
	if (*crt)
		gnutls_x509_crt_deinit(*crt);
}

/* ---- reading and checking ---- */

static int pem_read(const char *path, const char *text, struct buf *ret, struct buf *message)
{
	if (text)
		buf_append_cstr(ret, text);
	if (path) {
		int r = file_read(path, PEM_BYTES, ret);
		if (r < 0) {
			buf_printf(message, "%s: %s", path, file_problem(r));
			return -EINVAL;
		}
	}
	(void)buf_cstr(ret); /* the HTTP library takes C strings */
	return buf_error(ret);
}

static int refuse(struct buf *message, const char *what, int r)
{
	buf_printf(message, "%s: %s", what, gnutls_strerror(r));
	return -EINVAL;
}

static gnutls_datum_t datum(const struct buf *buf)
{
	return (gnutls_datum_t){(unsigned char *)buf->data, (unsigned)buf->len};
}

/* The same that the HTTP library does, which has no words for what is wrong. */
static int tls_check(const struct tls *tls, struct buf *message)
{
	const struct web_config *config = tls->config;
	_cleanup_(cleanup_credentials) gnutls_certificate_credentials_t credentials = NULL;
	gnutls_datum_t cert = datum(&tls->cert), key = datum(&tls->key), ca = datum(&tls->ca);
	const char *wrong;
	gnutls_priority_t priorities;

	int r = gnutls_priority_init(&priorities, config->priorities, &wrong);
	if (r < 0)
		return refuse(message, "versions, ciphers and curves", r);
	gnutls_priority_deinit(priorities);
	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return -ENOMEM;
	r = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return refuse(message, config->cert_path ? config->cert_path : "cert", r);
	if (!tls->ca.len)
		return 0;
	r = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
	if (r > 0)
		return 0;
	return refuse(message, config->client_ca_path ? config->client_ca_path : "client_ca",
		      r < 0 ? r : GNUTLS_E_NO_CERTIFICATE_FOUND);
}

int tls_new(const struct web_config *config, struct tls **ret, struct buf *message)
{
	_cleanup_tls_ struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	tls->config = config;
	int r = pem_read(config->cert_path, config->cert, &tls->cert, message);
	if (r == 0)
		r = pem_read(config->key_path, config->key, &tls->key, message);
	if (r == 0)
		r = pem_read(config->client_ca_path, config->client_ca, &tls->ca, message);
	if (r == 0)
		r = tls_check(tls, message);
	if (r < 0)
		return r;
	*ret = take_ptr(tls);
	return 0;
}

void tls_free(struct tls **tls)
{
	if (!*tls)
		return;
	if ((*tls)->key.data)
		explicit_bzero((*tls)->key.data, (*tls)->key.len);
	buf_free(&(*tls)->cert);
	buf_free(&(*tls)->key);
	buf_free(&(*tls)->ca);
	free(*tls);
	*tls = NULL;
}

/* ---- the client's certificate ---- */

/* An address in a certificate is bytes; in the configuration it is text. */
static void address_text(char *san, size_t *n)
{
	char text[INET6_ADDRSTRLEN];
	int family = *n == 4 ? AF_INET : AF_INET6;

	if ((*n != 4 && *n != 16) || !inet_ntop(family, san, text, sizeof(text))) {
		*n = 0;
		return;
	}
	*n = strlen(text);
	memcpy(san, text, *n);
}

static bool san_is_allowed(const struct web_config *config, const char *san, size_t n)
{
	for (size_t i = 0; i < config->san_count; i++) {
		if (n && strlen(config->sans[i]) == n && memcmp(config->sans[i], san, n) == 0)
			return true;
	}
	return false;
}

static bool crt_is_allowed(const struct web_config *config, gnutls_x509_crt_t crt)
{
	for (unsigned i = 0;; i++) {
		char san[SAN_BYTES];
		size_t n = sizeof(san);
		int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, san, &n, NULL);

		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (kind < 0) /* longer than any that is configured, or of a kind unknown */
			continue;
		if (kind == GNUTLS_SAN_IPADDRESS)
			address_text(san, &n);
		if (san_is_allowed(config, san, n))
			return true;
	}
}

static int peer_check_names(const struct web_config *config, gnutls_session_t session)
{
	_cleanup_(cleanup_crt) gnutls_x509_crt_t crt = NULL;
	unsigned count = 0;
	const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &count);

	if (!config->san_count)
		return 0;
	if (!count || gnutls_x509_crt_init(&crt) < 0 ||
	    gnutls_x509_crt_import(crt, &peers[0], GNUTLS_X509_FMT_DER) < 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return crt_is_allowed(config, crt) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* Called in the handshake, which fails with what it returns: no request of such a client is read. */
static int peer_verify(gnutls_session_t session)
{
	const struct tls *tls = gnutls_db_get_ptr(session);
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned status = 0, count = 0;

	/* What was required is there: the library has seen to that. */
	if (!gnutls_certificate_get_peers(session, &count) || !count)
		return 0;
	if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) < 0 || status != 0)
		return GNUTLS_E_CERTIFICATE_ERROR;
	return peer_check_names(tls->config, session);
}

int tls_session_begin(const struct tls *tls, gnutls_session_t session)
{
	enum web_client_auth auth = tls->config->client_auth;
	bool must = auth == WEB_CLIENT_ANY || auth == WEB_CLIENT_REQUIRED;

	if (!session)
		return -EIO;
	gnutls_certificate_server_set_request(session, auth == WEB_CLIENT_NONE ? GNUTLS_CERT_IGNORE
						       : must		       ? GNUTLS_CERT_REQUIRE
							      : GNUTLS_CERT_REQUEST);
	if (auth < WEB_CLIENT_IF_GIVEN)
		return 0;
	/* There is no cache of sessions, so its pointer is free; the session's own is the library's. */
	gnutls_db_set_ptr(session, (void *)tls);
	gnutls_session_set_verify_function(session, peer_verify);
	return 0;
}
