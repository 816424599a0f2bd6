/* SPDX-License-Identifier: Apache-2.0 */
#include "base/glob.h"

#include <fnmatch.h>
#include <string.h>

bool glob_match_path(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!strchr(pattern, '/') && slash)
		path = slash + 1;
	return fnmatch(pattern, path, FNM_NOESCAPE) == 0;
}
