/* SPDX-License-Identifier: Apache-2.0 */
/* A command line; the first byte says whether it was cut. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const workers[] = {"*/bun_worker.ts", "worker-[0-9]*.js", "/srv/?*"};
	struct command command;

	if (n == 0)
		return 0;
	n = n - 1 < ARGS_BYTES ? n - 1 : ARGS_BYTES;
	command_read(data + 1, n, data[0] & 1, workers, ARRAY_SIZE(workers), &command);
	if (strchr(command.script, '/'))
		abort();
	return 0;
}
