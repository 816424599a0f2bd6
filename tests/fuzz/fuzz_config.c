/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, its arguments separated by NUL: a whole configuration, or one line that says why not. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config.h"

#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_patterns(const struct patterns *patterns)
{
	check(patterns->count > 0 && patterns->count <= CONFIG_PATTERNS_MAX);
	for (size_t i = 0; i < patterns->count; i++)
		check(*patterns->items[i] != '\0');
}

static void check_config(const struct config *config, const struct buf *message)
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

static void check_message(const struct buf *message)
{
	check(message->len > strlen("bunscope: "));
	for (size_t i = 0; i < message->len; i++)
		check((unsigned char)message->data[i] >= ' ');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_free_ char *text = calloc(1, n + 1);
	_cleanup_buf_ struct buf message = {};
	_cleanup_config_ struct config *config = NULL;
	char *args[ARGS_MAX];
	size_t count = 0;

	if (!text)
		return 0;
	memcpy(text, data, n);
	for (size_t at = 0; at < n && count < ARGS_MAX; at += strlen(text + at) + 1)
		args[count++] = text + at;

	int r = config_parse(count, args, &config, &message);
	check((r == 0) == (config != NULL));
	if (r == 0)
		check_config(config, &message);
	else if (r == -EINVAL)
		check_message(&message);
	return 0;
}
