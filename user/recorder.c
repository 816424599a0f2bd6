/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "config.h"
#include "intake.h"
#include "run/redact.h"

int recorder_start(struct recorder *recorder, const struct config *config)
{
	_cleanup_buf_ struct buf message = {};

	*recorder = (struct recorder){
		.classify = intake_classify(config),
		.path = config->file,
		.payload = config->record_payload,
		.progress = isatty(STDERR_FILENO),
	};
	/* A limit that is met is an error of write(2), to be told. */
	(void)signal(SIGXFSZ, SIG_IGN);
	int r = recording_create(config->file, config->record_payload, &recorder->writer, &message);
	if (r < 0)
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
	return r;
}

void recorder_record(void *arg, const struct run *run)
{
	struct recorder *recorder = arg;
	struct run kept = *run;

	if (!recorder->payload)
		run_redact(&kept, &recorder->classify);
	recording_append(recorder->writer, &kept);
}

static void show(struct recorder *recorder)
{
	uint64_t runs = recording_runs(recorder->writer);

	if (!recorder->progress || runs == recorder->shown)
		return;
	(void)fprintf(stderr, "\r%llu recorded", (unsigned long long)runs);
	recorder->shown = runs;
}

int recorder_tick(struct recorder *recorder)
{
	show(recorder);
	return recording_flush(recorder->writer);
}

int recorder_finish(struct recorder *recorder)
{
	int r = recording_close(recorder->writer);
	unsigned long long runs = recording_runs(recorder->writer);

	if (recorder->shown)
		(void)fputc('\n', stderr);
	if (r < 0)
		log_error("recording ended: cannot write %s: %s; it holds the first %llu Bun "
			  "processes",
			  recorder->path, strerror(-r), runs);
	else
		log_info("recorded %llu Bun processes, %llu bytes, in %s", runs,
			 (unsigned long long)recording_bytes(recorder->writer), recorder->path);
	return r;
}

void recorder_free(struct recorder *recorder)
{
	recording_writer_free(&recorder->writer);
}
