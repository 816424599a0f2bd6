/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Small numbers in few bytes: seven bits a byte, the lowest first, the eighth says that more follow (LEB128). */
#include <stdint.h>

#include "base/buf.h"

/* Only for what varint_append() wrote: there are as many numbers as are read. */
struct varint_reader {
	const uint8_t *at;
	const uint8_t *end;
};

static inline void varint_append(struct buf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		buf_append_char(out, (char)(value | 0x80));
	buf_append_char(out, (char)value);
}

static inline uint64_t varint_read(struct varint_reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
		uint8_t byte = *reader->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}
