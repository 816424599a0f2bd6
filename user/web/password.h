/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Basic auth against bcrypt hashes. bcrypt is slow by design and there is one thread: a password that was right once
 * is known again by a keyed hash, one for each user; and wrong ones get a share of the thread's time, not all of it.
 */
#include <stdint.h>

#include "web/web_config.h"

/* Of the thread's time: a tenth, saved up to a second. */
#define PASSWORD_SHARE 10u
#define PASSWORD_SAVED_NS 1000000000ll
/* By then there is time for one more, whatever its cost. */
#define PASSWORD_RETRY_SECONDS "3"

enum password_answer { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_BUSY };

struct passwords;

#define _cleanup_passwords_ __attribute__((cleanup(passwords_free)))

/* config has users and outlives it. now: CLOCK_MONOTONIC. 0, -ENOMEM, -EIO. */
int passwords_new(const struct web_config *config, uint64_t now_ns, struct passwords **ret);
void passwords_free(struct passwords **passwords);
/* PASSWORD_BUSY: it was not looked at. */
enum password_answer passwords_check(struct passwords *passwords, const char *user,
				     const char *password, uint64_t now_ns);
