/* SPDX-License-Identifier: Apache-2.0 */
/* --config: any bytes are a whole configuration, or one line that says why not. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tests/fuzz/config_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_close_ int fd = memfd_create("config", MFD_CLOEXEC);
	_cleanup_buf_ struct buf message = {};
	_cleanup_config_ struct config *config = NULL;
	char flag[64], *args[] = {flag};

	/* A file that everybody may write is refused. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || write(fd, data, n) != (ssize_t)n)
		return 0;
	snprintf(flag, sizeof(flag), "--config=/proc/self/fd/%d", fd);

	int r = config_parse(1, args, &config, &message);
	check((r == 0) == (config != NULL));
	if (r == 0)
		check_config(config, &message);
	else if (r == -EINVAL)
		check_message(&message);
	return 0;
}
