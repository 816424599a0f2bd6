/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who may read, as --web.config.file and the files that it names say: read as one, replaced as one. */
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "web/password.h"
#include "web/tls.h"
#include "web/web_config.h"

#define SECURE_FILES 4 /* the configuration, certificate, key, authorities */

struct secure {
	struct web_config *config;
	struct tls *tls;	     /* NULL: plain HTTP */
	struct passwords *passwords; /* NULL: everybody may read */
	unsigned char digest[32];    /* of all that was read */
};

/* What a file was when it was read; zeroes when it was not there. */
struct secure_stamp {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
	struct timespec changed;
};

struct secure_stamps {
	struct secure_stamp files[SECURE_FILES];
};

#define _cleanup_secure_ __attribute__((cleanup(secure_free)))

/*
 * path NULL: nothing is asked of anybody. 0; -EINVAL with `FILE:LINE: KEY: what is wrong` in message; -ENOMEM.
 */
int secure_read(const char *path, struct secure **ret, struct buf *message);
void secure_free(struct secure **secure);
/*
 * To know when to read again. Taken before reading, so that what changes meanwhile is read again; that nothing has
 * changed after all shows in the digest.
 */
void secure_stamp(const char *path, const struct secure *secure, struct secure_stamps *ret);
