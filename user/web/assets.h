/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The files of the live page, as scripts/embed put them into the binary. */
#include <stdbool.h>
#include <stddef.h>

struct MHD_Response;

struct asset {
	const char *path; /* "/page/app.js" */
	const char *type;
	const char *etag; /* with its quotes */
	const unsigned char *plain;
	size_t plain_bytes;
	const unsigned char *gzip;
	size_t gzip_bytes;
};

extern const struct asset assets[];
extern const size_t assets_count;

/* NULL = there is none. */
const struct asset *asset_find(const char *path);
/* Whether an If-None-Match header, which may be NULL, has it. */
bool asset_is_known(const struct asset *asset, const char *if_none_match);
/* With all its headers, without the bytes where it is known. NULL without memory. */
struct MHD_Response *asset_response(const struct asset *asset, bool is_known, bool gzip);
