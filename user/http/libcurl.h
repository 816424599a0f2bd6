/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * libcurl, loaded when somebody wants to ask something. Most agents never do, and what it brings (OpenSSL, Kerberos,
 * LDAP, SSH, nineteen libraries) would be a fifth of their memory.
 */
#include <curl/curl.h>

#define LIBCURL_SONAME "libcurl.so.4"

/* All that is called of it. */
#define LIBCURL_FUNCTIONS(X)                                                                       \
	X(global_init)                                                                             \
	X(global_cleanup)                                                                          \
	X(easy_init)                                                                               \
	X(easy_setopt)                                                                             \
	X(easy_getinfo)                                                                            \
	X(easy_header) /* since 7.83 */                                                            \
	X(easy_strerror)                                                                           \
	X(easy_cleanup)                                                                            \
	X(multi_init)                                                                              \
	X(multi_setopt)                                                                            \
	X(multi_assign)                                                                            \
	X(multi_add_handle)                                                                        \
	X(multi_remove_handle)                                                                     \
	X(multi_socket_action)                                                                     \
	X(multi_info_read)                                                                         \
	X(multi_cleanup)                                                                           \
	X(slist_append)                                                                            \
	X(slist_free_all)                                                                          \
	X(getdate)

struct libcurl {
	void *handle; /* owned; NULL = not loaded */
#define X(name) __typeof__(curl_##name) *name;
	LIBCURL_FUNCTIONS(X)
#undef X
};

/* 0, or -ELIBACC: there is no such library, or it lacks a function. */
int libcurl_load(struct libcurl *ret, const char *soname);
/* Its code stays in memory: libraries below it do not all survive being taken out of a process. */
void libcurl_unload(struct libcurl *libcurl);
