/* SPDX-License-Identifier: Apache-2.0 */
#include "web/secure.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "yaml/yaml_tree.h"

/* NUL behind each: the contents of two files are not those of one. */
static int digest_make(const struct tls *tls, const struct buf *text, unsigned char digest[32])
{
	_cleanup_buf_ struct buf all = {};

	buf_append(&all, text->data, text->len);
	if (tls) {
		buf_append(&all, "", 1);
		buf_append(&all, tls->cert.data, tls->cert.len + 1);
		buf_append(&all, tls->key.data, tls->key.len + 1);
		buf_append(&all, tls->ca.data, tls->ca.len);
	}
	int r = buf_error(&all);
	if (r == 0 && gnutls_hash_fast(GNUTLS_DIG_SHA256, all.data, all.len, digest) < 0)
		r = -EIO;
	if (all.data)
		explicit_bzero(all.data, all.cap);
	return r;
}

static int secure_fill(struct secure *secure, const char *path, struct buf *message)
{
	_cleanup_buf_ struct buf text = {};
	int r = file_read(path, YAML_FILE_BYTES, &text);

	if (r < 0) {
		buf_printf(message, "%s: %s", path, file_problem(r));
		return -EINVAL;
	}
	r = web_config_parse(path, text.data, text.len, &secure->config, message);
	if (r == 0 && secure->config->has_tls)
		r = tls_new(secure->config, &secure->tls, message);
	if (r == 0 && secure->config->user_count)
		r = passwords_new(secure->config, clock_monotonic_ns(), &secure->passwords);
	return r < 0 ? r : digest_make(secure->tls, &text, secure->digest);
}

int secure_read(const char *path, struct secure **ret, struct buf *message)
{
	_cleanup_secure_ struct secure *secure = calloc(1, sizeof(*secure));
	int r = 0;

	if (!secure)
		return -ENOMEM;
	if (path)
		r = secure_fill(secure, path, message);
	if (r < 0)
		return r;
	*ret = take_ptr(secure);
	return 0;
}

void secure_free(struct secure **secure)
{
	if (!*secure)
		return;
	passwords_free(&(*secure)->passwords);
	tls_free(&(*secure)->tls);
	web_config_free(&(*secure)->config);
	free(*secure);
	*secure = NULL;
}

void secure_stamp(const char *path, const struct secure *secure, struct secure_stamps *ret)
{
	const struct web_config *config = secure ? secure->config : NULL;
	const char *paths[SECURE_FILES] = {
		path,
		config ? config->cert_path : NULL,
		config ? config->key_path : NULL,
		config ? config->client_ca_path : NULL,
	};

	memset(ret, 0, sizeof(*ret)); /* its padding, too: stamps are compared as bytes */
	for (size_t i = 0; i < SECURE_FILES; i++) {
		struct secure_stamp *stamp = &ret->files[i];
		struct stat file;

		if (!paths[i] || stat(paths[i], &file) < 0)
			continue;
		stamp->device = file.st_dev;
		stamp->inode = file.st_ino;
		stamp->bytes = file.st_size;
		stamp->modified = file.st_mtim;
		stamp->changed = file.st_ctim;
	}
}
