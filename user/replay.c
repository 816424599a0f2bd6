/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "intake.h"
#include "record/reader.h"
#include "sink/families.h"

/* Runs between two looks at whether progress is to be shown: some hundredths of a second. */
#define PROGRESS_RUNS (1u << 15)

/* What a recording can say nothing about: the agent, and what is so at one moment. */
static bool is_known(enum family_index family)
{
	switch (family) {
	case FAMILY_TOOL_IN_FLIGHT:
	case FAMILY_TOOL_OLDEST_SECONDS:
	case FAMILY_BUN_UNREAPED:
	case FAMILY_EXEC_STARTED:
	case FAMILY_EXEC_SYNC_SECONDS:
	case FAMILY_EXEC_TIMEOUTS:
	case FAMILY_EXEC_ERRORS:
		return false;
	case FAMILY_RUNS_FINISHED:
	case FAMILY_SERIES_OVERFLOW:
		return true;
	default:
		return !families[family].own;
	}
}

static void set(struct registry *registry, enum family_index family, const char *label,
		uint64_t value)
{
	struct series *series = registry_series(registry, family, &label);

	if (series)
		series_set(series, value);
}

static void show(const struct recording_reader *reader)
{
	(void)fprintf(
		stderr, "\r%llu replayed, %llu %%", (unsigned long long)recording_read(reader),
		(unsigned long long)(recording_position(reader) * 100 / recording_size(reader)));
}

static int read_runs(struct recording_reader *reader, struct intake *intake, struct buf *message)
{
	bool progress = isatty(STDERR_FILENO);
	const struct run *run = NULL;
	struct report report;
	int r;

	while ((r = recording_next(reader, &run, message)) > 0) {
		(void)intake_run(intake, run, OWNER_UNKNOWN, &report);
		if (progress && recording_read(reader) % PROGRESS_RUNS == 0)
			show(reader);
	}
	if (progress && recording_read(reader) >= PROGRESS_RUNS)
		(void)fputs("\r\033[K", stderr);
	return r;
}

void replay_write(struct metrics *metrics, uint64_t records, enum metric_format format,
		  struct buf *out)
{
	struct registry *registry = metrics_registry(metrics);

	for (int family = 0; family < FAMILY_COUNT; family++) {
		if (!is_known(family))
			registry_hide(registry, family);
	}
	set(registry, FAMILY_RUNS_FINISHED, NULL, records);
	set(registry, FAMILY_SERIES_OVERFLOW, "tool_id", registry_overflows(registry, "tool_id"));
	registry_write(registry, format, out);
}

int replay_file(const struct config *config, struct buf *out, struct buf *message)
{
	_cleanup_recording_reader_ struct recording_reader *reader = NULL;
	_cleanup_(metrics_free) struct metrics *metrics = NULL;
	struct intake intake;
	int r = recording_open(config->file, &reader, message);

	if (r == 0)
		r = metrics_new(config->metrics_prefix, config->max_label_values, 0, &metrics);
	if (r < 0)
		return r;
	intake_init(&intake, config, metrics);
	r = read_runs(reader, &intake, message);
	if (r < 0)
		return r;
	if (!recording_complete(reader))
		log_warn("%s was not closed: it holds the first %llu Bun processes", config->file,
			 (unsigned long long)recording_read(reader));
	replay_write(metrics, recording_read(reader), METRIC_FORMAT_TEXT, out);
	return buf_error(out);
}

int replay(const struct config *config)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_buf_ struct buf out = {};
	int r = replay_file(config, &out, &message);

	if (r < 0) {
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
		return r;
	}
	errno = 0;
	if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		r = errno ? -errno : -EIO;
		log_error("cannot write to standard output: %s", strerror(-r));
	}
	return r;
}
