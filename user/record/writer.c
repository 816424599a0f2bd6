/* SPDX-License-Identifier: Apache-2.0 */
#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

/* Memory for runs that finish between two flushes; more are written at once. */
#define PENDING_BYTES (256 * 1024)

struct recording_writer {
	char *path; /* owned; NULL: there is nothing to remove */
	int fd;
	int error;
	bool rewritable; /* an ordinary file */
	uint64_t runs;	 /* in the file */
	uint64_t bytes;
	uint64_t pending_runs;
	size_t pending;
	struct recording_header header;
	uint8_t room[PENDING_BYTES];
};

static int open_new(const char *path)
{
	struct stat status;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno != EEXIST || stat(path, &status) < 0 || S_ISREG(status.st_mode))
		return -errno;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const uint8_t *p, size_t n, uint64_t *ret_written)
{
	while (n > 0) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		p += written;
		n -= (size_t)written;
		*ret_written += (uint64_t)written;
	}
	return 0;
}

/* After a failure the file ends with the last frame that is whole, where it can. */
static void drop_partial(struct recording_writer *writer, uint64_t written)
{
	size_t at = 0, kept = 0;
	struct frame_head head;

	while (at < writer->pending) {
		memcpy(&head, writer->room + at, sizeof(head));
		at += head.bytes;
		if (at > written)
			break;
		writer->runs++;
		kept = at;
	}
	writer->bytes += kept;
	writer->pending = 0;
	writer->pending_runs = 0;
	if (writer->rewritable && kept < written)
		(void)!ftruncate(writer->fd, (off_t)writer->bytes);
}

int recording_flush(struct recording_writer *writer)
{
	uint64_t written = 0;

	if (writer->error || writer->pending == 0)
		return writer->error;
	writer->error = write_all(writer->fd, writer->room, writer->pending, &written);
	if (writer->error < 0) {
		drop_partial(writer, written);
		return writer->error;
	}
	writer->bytes += writer->pending;
	writer->runs += writer->pending_runs;
	writer->pending = 0;
	writer->pending_runs = 0;
	return 0;
}

static int write_header(struct recording_writer *writer)
{
	uint64_t written = 0;
	int r = write_all(writer->fd, (const uint8_t *)&writer->header, sizeof(writer->header),
			  &written);

	if (r == 0)
		writer->bytes = sizeof(writer->header);
	return r;
}

static int start(struct recording_writer *writer, const char *path, bool payload)
{
	struct stat status;

	writer->fd = open_new(path);
	if (writer->fd < 0)
		return writer->fd;
	if (fstat(writer->fd, &status) < 0)
		return -errno;
	writer->rewritable = S_ISREG(status.st_mode);
	if (writer->rewritable) {
		writer->path = strdup(path);
		if (!writer->path)
			return -ENOMEM;
	}
	header_make(payload, &writer->header);
	return write_header(writer);
}

int recording_create(const char *path, bool payload, struct recording_writer **ret,
		     struct buf *message)
{
	_cleanup_recording_writer_ struct recording_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	int r = start(writer, path, payload);
	if (r == -EEXIST)
		buf_printf(message, "%s exists, and recordings overwrite nothing: name another",
			   path);
	else if (r < 0)
		buf_printf(message, "cannot write %s: %s", path, strerror(-r));
	if (r == 0)
		*ret = take_ptr(writer);
	return r;
}

void recording_append(struct recording_writer *writer, const struct run *run)
{
	if (writer->pending + FRAME_BYTES_MAX > sizeof(writer->room))
		(void)recording_flush(writer);
	if (writer->error)
		return;
	writer->pending += frame_write(run, writer->room + writer->pending);
	writer->pending_runs++;
}

/* In this order: what the header promises is on the disk before the promise is. */
static int mark_complete(struct recording_writer *writer)
{
	ssize_t written;

	writer->header.flags |= RECORDING_COMPLETE;
	writer->header.runs = writer->runs;
	writer->header.bytes = writer->bytes;
	if (fdatasync(writer->fd) < 0)
		return -errno;
	written = pwrite(writer->fd, &writer->header, sizeof(writer->header), 0);
	if (written < 0)
		return -errno;
	if (written != sizeof(writer->header))
		return -EIO;
	return 0;
}

int recording_close(struct recording_writer *writer)
{
	int r = recording_flush(writer);

	if (r == 0 && writer->rewritable)
		r = mark_complete(writer);
	if (close(take_fd(writer->fd)) < 0 && r == 0)
		r = -errno;
	writer->error = r;
	return r;
}

uint64_t recording_runs(const struct recording_writer *writer)
{
	return writer->runs + writer->pending_runs;
}

uint64_t recording_bytes(const struct recording_writer *writer)
{
	return writer->bytes + writer->pending;
}

void recording_writer_free(struct recording_writer **writer)
{
	if (!*writer)
		return;
	if ((*writer)->path && (*writer)->fd >= 0 && (*writer)->runs == 0)
		(void)unlink((*writer)->path);
	cleanup_close(&(*writer)->fd);
	free((*writer)->path);
	free(*writer);
	*writer = NULL;
}
