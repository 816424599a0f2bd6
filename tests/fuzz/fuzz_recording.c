/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recording: any bytes are read to an end or refused with one line, and what was read is written
 * and read again as it was. A first byte of 1 stands for a good header.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "record/reader.h"
#include "run/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_run(const struct run *run)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	static struct run again;
	const struct run *decoded;
	size_t n = frame_write(run, frame);

	check(run_decode(run, sizeof(*run), &decoded) == DECODE_OK);
	check(frame_read(frame, n, &again) == (long)n);
	check(memcmp(run, &again, sizeof(again)) == 0);
}

static void check_message(const struct buf *message)
{
	check(message->len > strlen("fuzzed "));
	for (size_t i = 0; i < message->len; i++)
		check((unsigned char)message->data[i] >= ' ');
}

static void read_all(const uint8_t *bytes, size_t n)
{
	_cleanup_recording_reader_ struct recording_reader *reader = NULL;
	_cleanup_buf_ struct buf message = {};
	const struct run *run = NULL;
	int r = recording_open_bytes("fuzzed", bytes, n, &reader, &message);

	while (r == 0) {
		r = recording_next(reader, &run, &message);
		if (r <= 0)
			break;
		check_run(run);
		check(recording_position(reader) <= recording_size(reader));
		r = 0;
	}
	if (r < 0)
		check_message(&message);
	else
		check(!recording_complete(reader) ||
		      recording_position(reader) == recording_size(reader));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct recording_header header;

	read_all(data, n);
	if (n == 0 || data[0] != 1)
		return 0;
	_cleanup_free_ uint8_t *bytes = malloc(sizeof(header) + n - 1);
	if (!bytes)
		return 0;
	header_make(false, &header);
	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), data + 1, n - 1);
	read_all(bytes, sizeof(header) + n - 1);
	return 0;
}
