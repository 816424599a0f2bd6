/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The words for versions, cipher suites and curves: Go's, which Prometheus' configuration uses, and GnuTLS'.
 * Only what has forward secrecy and an authenticated cipher has a word here. Pure.
 */
#include <stddef.h>

enum tls_version { TLS_VERSION_12, TLS_VERSION_13 };

struct tls_words {
	enum tls_version min;
	enum tls_version max;
	unsigned suites; /* a bit each, by the table; 0 = all */
	unsigned curves; /* the same */
};

#define TLS_WORDS_DEFAULT                                                                          \
	{                                                                                          \
		.min = TLS_VERSION_12, .max = TLS_VERSION_13                                       \
	}

/* 0; -EINVAL: there is no such word. */
int tls_words_version(const char *word, enum tls_version *ret);
int tls_words_suite(struct tls_words *words, const char *word);
int tls_words_curve(struct tls_words *words, const char *word);
/* What GnuTLS calls a priority string; the caller's to free. 0 or -ENOMEM. */
int tls_words_priorities(const struct tls_words *words, char **ret);
