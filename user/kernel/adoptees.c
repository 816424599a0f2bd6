/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/adoptees.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/glob.h"

/* What the kernel appends to the path of an executable that was removed: fs/d_path.c. */
#define DELETED " (deleted)"

static bool executable_from_link(int process, struct executable *ret)
{
	char path[PATH_BYTES + sizeof(DELETED)];
	ssize_t n = readlinkat(process, "exe", path, sizeof(path) - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	char *deleted = strstr(path, DELETED);
	if (deleted && deleted[strlen(DELETED)] == '\0')
		*deleted = '\0';

	const char *slash = strrchr(path, '/');
	size_t path_bytes = strlen(path) + 1, name_bytes = slash ? strlen(slash + 1) + 1 : 0;
	if (!slash || path_bytes > sizeof(ret->path) || name_bytes > sizeof(ret->name))
		return false;
	memcpy(ret->path, path, path_bytes);
	memcpy(ret->name, slash + 1, name_bytes);
	return true;
}

static void read_args(int process, struct adoptee *adoptee)
{
	_cleanup_close_ int fd = openat(process, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, adoptee->args, sizeof(adoptee->args));

	if (n <= 0)
		return;
	adoptee->args_bytes = (__u32)n;
	adoptee->args_truncated = adoptee->args[n - 1] != '\0';
}

static bool matches(const char *const *globs, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (glob_match_path(globs[i], path))
			return true;
	}
	return false;
}

/* 1 when the process is an adoptee and was put, 0 when it is none. */
static int look_at(int proc, const char *pid, const char *const *globs, size_t count,
		   int (*put)(void *arg, uint32_t pid, const struct adoptee *adoptee), void *arg)
{
	_cleanup_close_ int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct adoptee adoptee = {};

	if (process < 0 || !executable_from_link(process, &adoptee.executable) ||
	    !matches(globs, count, adoptee.executable.path))
		return 0;
	read_args(process, &adoptee);
	int r = put(arg, (uint32_t)strtoul(pid, NULL, 10), &adoptee);
	return r < 0 ? r : 1;
}

static bool is_pid(const char *name)
{
	return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

int adoptees_find(const char *const *exe_globs, size_t count,
		  int (*put)(void *arg, uint32_t pid, const struct adoptee *adoptee), void *arg)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int found = 0, r = 0;

	if (!proc)
		return -errno;
	while (r >= 0 && (entry = readdir(proc))) {
		if (!is_pid(entry->d_name))
			continue;
		r = look_at(dirfd(proc), entry->d_name, exe_globs, count, put, arg);
		found += r > 0;
	}
	(void)closedir(proc);
	return r < 0 ? r : found;
}
