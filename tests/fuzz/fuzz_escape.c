/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes, what is printed is a JSON string. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	_cleanup_buf_ struct buf text = {};

	json_append_string(&text, bytes, n);
	json_t *string = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (buf_error(&text) || !json_is_string(string) || !utf8_valid(text.data, text.len))
		abort();
	json_decref(string);
	return 0;
}
