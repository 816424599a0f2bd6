/* SPDX-License-Identifier: Apache-2.0 */
#include "record/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "run/decode.h"

struct recording_reader {
	char *name; /* owned */
	const uint8_t *bytes;
	size_t n;
	bool mapped;
	size_t at;
	uint64_t runs;
	struct recording_header header;
	struct run run;
};

void recording_reader_free(struct recording_reader **reader)
{
	if (!*reader)
		return;
	if ((*reader)->mapped)
		(void)munmap((void *)(*reader)->bytes, (*reader)->n);
	free((*reader)->name);
	free(*reader);
	*reader = NULL;
}

int recording_open_bytes(const char *name, const void *bytes, size_t n,
			 struct recording_reader **ret, struct buf *message)
{
	_cleanup_recording_reader_ struct recording_reader *reader = NULL;
	const char *problem = header_problem(bytes, n);

	if (problem) {
		buf_printf(message, "%s %s", name, problem);
		return -EBADMSG;
	}
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->name = strdup(name);
	if (!reader->name)
		return -ENOMEM;
	reader->bytes = bytes;
	reader->n = n;
	reader->at = sizeof(reader->header);
	memcpy(&reader->header, bytes, sizeof(reader->header));
	*ret = take_ptr(reader);
	return 0;
}

/* The whole file, read-only; an empty one cannot be mapped and is an empty text. */
static int file_map(const char *path, void **ret_bytes, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode))
		return -ESPIPE;
	if (status.st_size == 0)
		return -ENODATA;
	void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	(void)madvise(bytes, (size_t)status.st_size, MADV_SEQUENTIAL);
	*ret_bytes = bytes;
	*ret_n = (size_t)status.st_size;
	return 0;
}

int recording_open(const char *path, struct recording_reader **ret, struct buf *message)
{
	void *bytes = NULL;
	size_t n = 0;
	int r = file_map(path, &bytes, &n);

	if (r == -ESPIPE || r == -ENODATA) {
		buf_printf(message, r == -ESPIPE ? "%s is not an ordinary file" : "%s is empty",
			   path);
		return r;
	}
	if (!bytes) {
		buf_printf(message, "cannot read %s: %s", path, strerror(-r));
		return r < 0 ? r : -EIO;
	}
	r = recording_open_bytes(path, bytes, n, ret, message);
	if (r < 0)
		(void)munmap(bytes, n);
	else
		(*ret)->mapped = true;
	return r;
}

static int damaged(const struct recording_reader *reader, const char *what, struct buf *message)
{
	buf_printf(message, "%s is damaged behind run %llu: %s", reader->name,
		   (unsigned long long)reader->runs, what);
	return -EBADMSG;
}

/* No whole frame follows: in a file that was closed that must be its end. */
static int check_end(struct recording_reader *reader, struct buf *message)
{
	if (!recording_complete(reader))
		return 0;
	if (reader->at < reader->n)
		return damaged(reader, "the next one has no end", message);
	if (reader->runs != reader->header.runs)
		return damaged(reader, "its header promises another number of runs", message);
	return 0;
}

int recording_next(struct recording_reader *reader, const struct run **ret, struct buf *message)
{
	long n = frame_read(reader->bytes + reader->at, reader->n - reader->at, &reader->run);

	if (n == 0)
		return check_end(reader, message);
	if (n < 0)
		return damaged(reader, "the next one makes no sense", message);
	if (run_decode(&reader->run, sizeof(reader->run), ret) != DECODE_OK)
		return damaged(reader, "the next one is impossible", message);
	reader->at += (size_t)n;
	reader->runs++;
	return 1;
}

bool recording_complete(const struct recording_reader *reader)
{
	return reader->header.flags & RECORDING_COMPLETE;
}

uint64_t recording_read(const struct recording_reader *reader)
{
	return reader->runs;
}

uint64_t recording_position(const struct recording_reader *reader)
{
	return reader->at;
}

uint64_t recording_size(const struct recording_reader *reader)
{
	return reader->n;
}
