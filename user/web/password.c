/* SPDX-License-Identifier: Apache-2.0 */
#include "web/password.h"

#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define DIGEST_BYTES 32
#define KEY_BYTES 32

struct known {
	bool is_set;
	unsigned char digest[DIGEST_BYTES]; /* of the password that was right the last time */
};

struct passwords {
	const struct web_config *config;
	unsigned char key[KEY_BYTES]; /* random: digests say nothing outside this process */
	struct known known[WEB_USERS_MAX];
	int64_t saved_ns; /* time that may be spent; negative: overdrawn */
	uint64_t last_ns;
	struct crypt_data crypt;
};

int passwords_new(const struct web_config *config, uint64_t now_ns, struct passwords **ret)
{
	_cleanup_passwords_ struct passwords *passwords = calloc(1, sizeof(*passwords));

	if (!passwords)
		return -ENOMEM;
	if (gnutls_rnd(GNUTLS_RND_KEY, passwords->key, KEY_BYTES) < 0)
		return -EIO;
	passwords->config = config;
	passwords->saved_ns = PASSWORD_SAVED_NS;
	passwords->last_ns = now_ns;
	*ret = take_ptr(passwords);
	return 0;
}

void passwords_free(struct passwords **passwords)
{
	if (!*passwords)
		return;
	explicit_bzero(*passwords, sizeof(**passwords));
	free(*passwords);
	*passwords = NULL;
}

static int digest_make(const struct passwords *passwords, const char *password,
		       unsigned char digest[DIGEST_BYTES])
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, passwords->key, KEY_BYTES, password,
				strlen(password), digest);
}

/* The index, or user_count. Takes no longer for one than for another. */
static size_t user_find(const struct web_config *config, const char *name)
{
	size_t found = config->user_count;

	for (size_t i = 0; i < config->user_count; i++) {
		if (strcmp(config->users[i].name, name) == 0)
			found = i;
	}
	return found;
}

static bool bcrypt_matches(struct passwords *passwords, const char *password, const char *hash)
{
	const char *made = crypt_r(password, hash, &passwords->crypt);

	return made && strlen(made) == strlen(hash) && gnutls_memcmp(made, hash, strlen(hash)) == 0;
}

static void time_save(struct passwords *passwords, uint64_t now_ns)
{
	passwords->saved_ns += (int64_t)((now_ns - passwords->last_ns) / PASSWORD_SHARE);
	passwords->last_ns = now_ns;
	if (passwords->saved_ns > PASSWORD_SAVED_NS)
		passwords->saved_ns = PASSWORD_SAVED_NS;
}

/* A name that nobody has takes as long as a wrong password: names cannot be guessed by the clock. */
static bool bcrypt_check(struct passwords *passwords, size_t user, const char *password)
{
	const struct web_config *config = passwords->config;
	bool is_user = user < config->user_count;
	uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	bool same = bcrypt_matches(passwords, password, config->users[is_user ? user : 0].hash);

	passwords->saved_ns -= (int64_t)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin);
	return is_user && same;
}

enum password_answer passwords_check(struct passwords *passwords, const char *user,
				     const char *password, uint64_t now_ns)
{
	size_t index = user_find(passwords->config, user);
	struct known *known =
		index < passwords->config->user_count ? &passwords->known[index] : NULL;
	unsigned char digest[DIGEST_BYTES];

	if (digest_make(passwords, password, digest) < 0)
		return PASSWORD_BUSY;
	if (known && known->is_set && gnutls_memcmp(known->digest, digest, DIGEST_BYTES) == 0)
		return PASSWORD_RIGHT;
	time_save(passwords, now_ns);
	if (passwords->saved_ns <= 0)
		return PASSWORD_BUSY;
	if (!bcrypt_check(passwords, index, password) || !known)
		return PASSWORD_WRONG;
	known->is_set = true;
	memcpy(known->digest, digest, DIGEST_BYTES);
	return PASSWORD_RIGHT;
}
