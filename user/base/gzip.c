/* SPDX-License-Identifier: Apache-2.0 */
#include "base/gzip.h"

#include <errno.h>
#include <libdeflate.h>

/* The fastest: repetitive text shrinks to a tenth even so, and higher levels take a multiple of the
 * time. */
#define GZIP_LEVEL 1

void gzip_free(struct gzip *gzip)
{
	libdeflate_free_compressor(gzip->compressor);
	gzip->compressor = NULL;
}

int gzip_compress(struct gzip *gzip, const struct buf *plain, struct buf *out)
{
	if (!gzip->compressor)
		gzip->compressor = libdeflate_alloc_compressor(GZIP_LEVEL);
	if (!gzip->compressor)
		return -ENOMEM;

	size_t bound = libdeflate_gzip_compress_bound(gzip->compressor, plain->len);
	buf_clear(out);
	int r = buf_reserve(out, bound);
	if (r < 0)
		return r;
	out->len = libdeflate_gzip_compress(gzip->compressor, plain->data, plain->len, out->data,
					    bound);
	return out->len ? 0 : -ENOSPC;
}
