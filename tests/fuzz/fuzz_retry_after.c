/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"

#define NOW_S 1445412400

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct http *http;
	char *text = strndup((const char *)bytes, n);

	if (!http && http_new(&http) < 0)
		abort();
	if (text && http_retry_after(http, text, NOW_S) < -1)
		abort();
	free(text);
	return 0;
}
