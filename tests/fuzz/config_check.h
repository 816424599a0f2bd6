/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What holds of a configuration that was taken, and of the line that says why one was not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static inline void check(bool good)
{
	if (!good)
		abort();
}

static inline void check_patterns(const struct patterns *patterns)
{
	check(patterns->count > 0 && patterns->count <= CONFIG_PATTERNS_MAX);
	for (size_t i = 0; i < patterns->count; i++)
		check(*patterns->items[i] != '\0');
}

static inline void check_config(const struct config *config, const struct buf *message)
{
	check(message->len == 0);
	check(strstr(config->listen_address, config->listen_host) != NULL);
	check(config->listen_port[0] && strtoul(config->listen_port, NULL, 10) <= UINT16_MAX);
	check(strspn(config->listen_port, "0123456789") == strlen(config->listen_port));
	check(strlen(config->metrics_prefix) <= CONFIG_PREFIX_BYTES);
	check(config->max_label_values > 0 && config->max_label_values <= CONFIG_LABEL_VALUES_MAX);
	check_patterns(&config->exes);
	check_patterns(&config->workers);
	check(config->track <= CONFIG_TRACK_ALL && config->stdio <= CONFIG_STDIO_SYSCALL);
	check(config->log_level <= LOG_LEVEL_DEBUG && config->log_format <= LOG_FORMAT_JSON);
}

static inline void check_message(const struct buf *message)
{
	check(message->len > strlen("bunscope: "));
	for (size_t i = 0; i < message->len; i++)
		check((unsigned char)message->data[i] >= ' ');
}
