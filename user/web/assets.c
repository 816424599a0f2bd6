/* SPDX-License-Identifier: Apache-2.0 */
#include "web/assets.h"

#include <microhttpd.h>
#include <string.h>

#include "base/cleanup.h"

/* The page may load what is here, and ask here; nothing inline, nothing from elsewhere, nobody frames it. */
#define POLICY                                                                                     \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const struct asset *asset_find(const char *path)
{
	for (size_t i = 0; i < assets_count; i++) {
		if (strcmp(assets[i].path, path) == 0)
			return &assets[i];
	}
	return NULL;
}

bool asset_is_known(const struct asset *asset, const char *if_none_match)
{
	return if_none_match && strstr(if_none_match, asset->etag);
}

static bool add_headers(struct MHD_Response *response, const struct asset *asset, bool gzip)
{
	const char *const headers[][2] = {
		{MHD_HTTP_HEADER_CONTENT_TYPE, asset->type},
		{MHD_HTTP_HEADER_ETAG, asset->etag},
		{MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache"}, /* ask whether it has changed */
		{MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING},
		{"Content-Security-Policy", POLICY},
		{"X-Content-Type-Options", "nosniff"},
		{"Referrer-Policy", "no-referrer"},
		{MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip"}, /* last */
	};

	for (size_t i = 0; i < ARRAY_SIZE(headers) - !gzip; i++) {
		if (!MHD_add_response_header(response, headers[i][0], headers[i][1]))
			return false;
	}
	return true;
}

struct MHD_Response *asset_response(const struct asset *asset, bool is_known, bool gzip)
{
	const void *bytes = gzip ? asset->gzip : asset->plain;
	size_t n = gzip ? asset->gzip_bytes : asset->plain_bytes;
	struct MHD_Response *response = MHD_create_response_from_buffer(
		is_known ? 0 : n, (void *)bytes, MHD_RESPMEM_PERSISTENT);

	if (response && !add_headers(response, asset, gzip && !is_known)) {
		MHD_destroy_response(response);
		return NULL;
	}
	return response;
}
