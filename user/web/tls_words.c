/* SPDX-License-Identifier: Apache-2.0 */
#include "web/tls_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct word {
	const char *go;
	const char *exchange; /* GnuTLS; NULL: TLS 1.3, where it is apart from the cipher */
	const char *cipher;
};

/* The server's order: the fastest of the strong first. */
static const struct word suites[] = {
	{"TLS_AES_128_GCM_SHA256", NULL, "AES-128-GCM"},
	{"TLS_AES_256_GCM_SHA384", NULL, "AES-256-GCM"},
	{"TLS_CHACHA20_POLY1305_SHA256", NULL, "CHACHA20-POLY1305"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA", "AES-128-GCM"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA", "AES-128-GCM"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA", "AES-256-GCM"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA", "AES-256-GCM"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA", "CHACHA20-POLY1305"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA", "CHACHA20-POLY1305"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA", "CHACHA20-POLY1305"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA", "CHACHA20-POLY1305"},
};

static const struct word curves[] = {
	{"X25519", NULL, "GROUP-X25519"},
	{"CurveP256", NULL, "GROUP-SECP256R1"},
	{"CurveP384", NULL, "GROUP-SECP384R1"},
	{"CurveP521", NULL, "GROUP-SECP521R1"},
};

static int word_add(const struct word *table, size_t count, const char *word, unsigned *bits)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].go, word) != 0)
			continue;
		*bits |= 1u << i;
		return 0;
	}
	return -EINVAL;
}

int tls_words_version(const char *word, enum tls_version *ret)
{
	if (strcmp(word, "TLS12") == 0)
		*ret = TLS_VERSION_12;
	else if (strcmp(word, "TLS13") == 0)
		*ret = TLS_VERSION_13;
	else
		return -EINVAL;
	return 0;
}

int tls_words_suite(struct tls_words *words, const char *word)
{
	return word_add(suites, ARRAY_SIZE(suites), word, &words->suites);
}

int tls_words_curve(struct tls_words *words, const char *word)
{
	return word_add(curves, ARRAY_SIZE(curves), word, &words->curves);
}

/* GnuTLS takes a word twice, and the first stands. */
static void append_suites(struct buf *out, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		if (bits && !(bits >> i & 1))
			continue;
		buf_printf(out, ":+%s", suites[i].cipher);
		if (suites[i].exchange)
			buf_printf(out, ":+%s", suites[i].exchange);
	}
}

static void append_curves(struct buf *out, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		if (!bits || bits >> i & 1)
			buf_printf(out, ":+%s", curves[i].cipher);
	}
}

int tls_words_priorities(const struct tls_words *words, char **ret)
{
	_cleanup_buf_ struct buf out = {};

	/* NORMAL brings the signature algorithms; the rest is built up from nothing. */
	buf_append_cstr(&out, "NORMAL:-VERS-ALL:-CIPHER-ALL:-KX-ALL:-MAC-ALL:-GROUP-ALL"
			      ":-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:+AEAD");
	if (words->max == TLS_VERSION_13)
		buf_append_cstr(&out, ":+VERS-TLS1.3");
	if (words->min == TLS_VERSION_12)
		buf_append_cstr(&out, ":+VERS-TLS1.2");
	append_suites(&out, words->suites);
	append_curves(&out, words->curves);
	buf_append_cstr(&out, ":%SERVER_PRECEDENCE:%SAFE_RENEGOTIATION");
	*ret = strdup(buf_cstr(&out));
	return *ret && !buf_error(&out) ? 0 : -ENOMEM;
}
