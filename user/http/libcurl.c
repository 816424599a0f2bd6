/* SPDX-License-Identifier: Apache-2.0 */
#include "http/libcurl.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(name) {"curl_" #name, offsetof(struct libcurl, name)},
	LIBCURL_FUNCTIONS(X)
#undef X
};

int libcurl_load(struct libcurl *ret, const char *soname)
{
	_cleanup_(libcurl_unload) struct libcurl libcurl = {};

	libcurl.handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!libcurl.handle)
		return -ELIBACC;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *function = dlsym(libcurl.handle, functions[i].name);

		if (!function)
			return -ELIBACC;
		/* As dlsym(3) has it: a pointer to a function is no void *. */
		memcpy((char *)&libcurl + functions[i].offset, &function, sizeof(function));
	}
	*ret = libcurl;
	libcurl.handle = NULL;
	return 0;
}

void libcurl_unload(struct libcurl *libcurl)
{
	if (libcurl->handle)
		(void)dlclose(libcurl->handle);
	libcurl->handle = NULL;
}
