/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Owning locals: `_cleanup_free_ char *s = NULL;`. take_ptr() and take_fd() hand ownership on. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

#define take_ptr(ptr)                                                                              \
	({                                                                                         \
		__auto_type _taken = (ptr);                                                        \
		(ptr) = NULL;                                                                      \
		_taken;                                                                            \
	})

#define take_fd(fd)                                                                                \
	({                                                                                         \
		int _taken = (fd);                                                                 \
		(fd) = -1;                                                                         \
		_taken;                                                                            \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
