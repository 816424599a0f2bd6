/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_mounted(void)
{
	static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		_cleanup_close_ int fd = open(roots[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && faccessat(fd, "events/syscalls", R_OK, AT_EACCESS) == 0)
			return take_fd(fd);
	}
	return -ENOENT;
}

/* Linux 5.2. Needs CAP_SYS_ADMIN. */
static int open_detached(const char *type)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	int fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int tracefs_open(void)
{
	int fd = open_mounted();

	return fd >= 0 ? fd : open_detached("tracefs");
}

int debugfs_open(void)
{
	_cleanup_close_ int fd = open("/sys/kernel/debug", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && faccessat(fd, "sched", R_OK, AT_EACCESS) == 0)
		return take_fd(fd);
	return open_detached("debugfs");
}

int tracefs_syscall_id(int tracefs, const char *name)
{
	char path[96], text[16] = "";

	(void)snprintf(path, sizeof(path), "events/syscalls/%s/id", name);
	_cleanup_close_ int fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	int id = (int)strtol(text, NULL, 10);
	return id > 0 ? id : -EINVAL;
}
