/* SPDX-License-Identifier: Apache-2.0 */
/* go_functions EXECUTABLE NAME...: a line for each function that was found: name, entry, body, returns; file offsets. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "go/functions.h"

static int read_file(void *arg, uint64_t offset, void *bytes, size_t n)
{
	ssize_t got = pread(*(int *)arg, bytes, n, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -ENODATA;
}

int main(int argc, char **argv)
{
	struct go_function found[GO_NAMES_MAX];
	_cleanup_close_ int fd = argc > 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct go_source source = {read_file, &fd};
	size_t count = (size_t)argc - 2;

	int r = fd < 0 ? -EINVAL
		       : go_functions_find(&source, (const char *const *)argv + 2, count, found);
	if (r < 0) {
		(void)fprintf(stderr, "go_functions: %s\n", strerror(-r));
		return 1;
	}
	for (size_t i = 0; i < count; i++) {
		if (!found[i].found)
			continue;
		(void)printf("%s %#lx %#lx", argv[2 + i], found[i].entry, found[i].body);
		for (size_t j = 0; j < found[i].returns.count; j++)
			(void)printf(" %#lx", found[i].entry + found[i].returns.offsets[j]);
		(void)putchar('\n');
	}
	return 0;
}
