/* SPDX-License-Identifier: Apache-2.0 */
/* A command line, its arguments separated by NUL: a whole configuration, or one line that says why not. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/config_check.h"

#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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
