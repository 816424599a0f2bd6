/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One gzip stream at once, for bodies that are in memory as a whole. */
#include "base/buf.h"

struct libdeflate_compressor;

struct gzip {
	struct libdeflate_compressor *compressor; /* made when first needed */
};

void gzip_free(struct gzip *gzip);
/* Replaces what is in out. 0 or -errno. */
int gzip_compress(struct gzip *gzip, const struct buf *plain, struct buf *out);
