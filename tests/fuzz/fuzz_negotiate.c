/* SPDX-License-Identifier: Apache-2.0 */
/* Accept and Accept-Encoding. Empty elements of the list, and its case, must not change what is chosen. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "web/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const char *header, enum metric_format format, bool gzip)
{
	if (negotiate_format(header) != format || negotiate_gzip(header) != gzip)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_free_ char *header = strndup((const char *)data, n);
	_cleanup_buf_ struct buf other = {};

	if (!header)
		return 0;
	enum metric_format format = negotiate_format(header);
	bool gzip = negotiate_gzip(header);

	buf_printf(&other, " ,,%s,", header);
	check(buf_cstr(&other), format, gzip);
	for (size_t i = 0; i < other.len; i++)
		other.data[i] = (char)toupper((unsigned char)other.data[i]);
	check(buf_cstr(&other), format, gzip);
	return 0;
}
