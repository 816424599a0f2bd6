/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes recordings apart into first inputs for the fuzz targets: each record whole, and each of its texts. Made
 * when they are needed, so that they have the layout of today.
 *
 *	make_seeds FOLDER RECORDING...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "record/reader.h"

#define PATH_MAX_BYTES 4096

/* An input of one target. prefix: the byte that the target reads its choice from; -1 = it has none. */
struct seed {
	const char *target;
	int prefix;
	const void *bytes;
	size_t n;
};

static size_t captured(uint64_t bytes, size_t room)
{
	return bytes < room ? bytes : room;
}

static int seed_write(const char *folder, const struct seed *seed, unsigned number)
{
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, seed->target);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s/%s/%u", folder, seed->target, number);
	_cleanup_fclose_ FILE *file = fopen(path, "we");
	if (!file)
		return -errno;
	if (seed->prefix >= 0)
		(void)fputc(seed->prefix, file);
	(void)fwrite(seed->bytes, 1, seed->n, file);
	return ferror(file) ? -EIO : 0;
}

static int run_seeds(const char *folder, const struct run *run, unsigned number)
{
	const struct stream *in = &run->stdio[STDIO_IN], *out = &run->stdio[STDIO_OUT];
	bool cut = run->flags & RUN_ARGS_TRUNCATED;
	static uint8_t frame[FRAME_BYTES_MAX];
	const struct seed seeds[] = {
		{"recording", 1, frame, frame_write(run, frame)},
		{"decode", -1, run, sizeof(*run)},
		{"redact", 0, run, sizeof(*run)},
		{"command", cut, run->args, run->args_bytes},
		{"request", -1, run->request_self.head,
		 captured(in->self.bytes, REQUEST_HEAD_BYTES)},
		{"reply", -1, run->reply_self.head, captured(out->self.bytes, REPLY_HEAD_BYTES)},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(seeds) && r == 0; i++)
		r = seed_write(folder, &seeds[i], number);
	return r;
}

static int recording_seeds(const char *folder, const char *path, unsigned *number)
{
	_cleanup_recording_reader_ struct recording_reader *reader = NULL;
	_cleanup_buf_ struct buf message = {};
	const struct run *run;

	int r = recording_open(path, &reader, &message);
	while (r == 0 && (r = recording_next(reader, &run, &message)) > 0)
		r = run_seeds(folder, run, (*number)++);
	if (r < 0)
		fprintf(stderr, "%s\n", message.len ? buf_cstr(&message) : strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	unsigned number = 0;
	int r = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: %s FOLDER RECORDING...\n", argv[0]);
		return 2;
	}
	if (mkdir(argv[1], 0755) < 0 && errno != EEXIST) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 2; i < argc && r == 0; i++)
		r = recording_seeds(argv[1], argv[i], &number);
	return r < 0;
}
