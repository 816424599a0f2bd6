/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/pattern.h"

#include <errno.h>
#include <string.h>

/* Length of the literal behind the last wildcard; 0 where a bracket makes that hard to say. */
static size_t literal_end(const char *glob, size_t bytes)
{
	size_t n = 0;

	if (strchr(glob, '['))
		return 0;
	while (n < bytes && !strchr("*?", glob[bytes - 1 - n]))
		n++;
	return n;
}

int pattern_from_glob(const char *glob, struct exe_pattern *ret)
{
	struct exe_pattern pattern = {.whole_path = strchr(glob, '/') != NULL};
	size_t bytes = strlen(glob), prefix = strcspn(glob, "*?[");

	if (bytes == 0)
		return -EINVAL;
	pattern.exact = prefix == bytes;
	size_t suffix = pattern.exact ? 0 : literal_end(glob, bytes);
	if (prefix > EXE_LITERAL_BYTES || suffix > EXE_LITERAL_BYTES)
		return -E2BIG;

	memcpy(pattern.prefix, glob, prefix);
	memcpy(pattern.suffix, glob + bytes - suffix, suffix);
	pattern.prefix_bytes = (__u32)prefix;
	pattern.suffix_bytes = (__u32)suffix;
	*ret = pattern;
	return 0;
}
