/* SPDX-License-Identifier: Apache-2.0 */
/* --web.config.file: any bytes are a configuration that GnuTLS understands, or one line that says why not. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/web_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_config(const struct web_config *config)
{
	gnutls_priority_t priorities;

	for (size_t i = 0; i < config->user_count; i++)
		check(*config->users[i].name && strlen(config->users[i].hash) == 60);
	for (size_t i = 0; i < config->header_count; i++)
		check(!strpbrk(config->headers[i].value, "\r\n"));
	check(config->has_tls == (config->priorities != NULL));
	if (!config->has_tls)
		return;
	check(gnutls_priority_init(&priorities, config->priorities, NULL) == 0);
	gnutls_priority_deinit(priorities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_web_config_ struct web_config *config = NULL;
	int r = web_config_parse("web.yml", (const char *)data, n, &config, &message);

	check((r == 0) == (config != NULL) && (r == 0) == (message.len == 0));
	if (r == 0)
		check_config(config);
	else
		check(r == -EINVAL && strncmp(buf_cstr(&message), "web.yml:", 8) == 0);
	return 0;
}
