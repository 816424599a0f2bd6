/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define PIECE_BYTES ((size_t)4096)

/* Whoever writes what a privileged process reads decides what it does. */
static bool is_everybodys(int fd)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_mode & S_IWOTH;
}

const char *file_problem(int r)
{
	return r == -EKEYREJECTED ? "everybody may write it: chmod o-w" : strerror(-r);
}

int file_read(const char *path, size_t max, struct buf *ret)
{
	/* Not blocking: a FIFO in the place of a file must not hold up the caller. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	_cleanup_buf_ struct buf bytes = {};

	if (fd < 0)
		return -errno;
	if (is_everybodys(fd))
		return -EKEYREJECTED;
	while (bytes.len <= max) {
		if (buf_reserve(&bytes, PIECE_BYTES) < 0)
			return -ENOMEM;
		ssize_t n = read(fd, bytes.data + bytes.len, PIECE_BYTES);
		if (n < 0)
			return -errno;
		if (n == 0) {
			buf_append(ret, bytes.data, bytes.len);
			return buf_error(ret);
		}
		bytes.len += (size_t)n;
	}
	return -EFBIG;
}
