/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "config.h"
#include "intake.h"
#include "record/writer.h"
#include "run/redact.h"
#include "sandbox/filter.h"
#include "session.h"

struct recorder {
	struct session session;
	struct recording_writer *writer;
	struct classify_config classify;
	const char *path;
	bool payload;
	bool progress;	/* standard error is a terminal */
	uint64_t shown; /* runs that it says; 0 = none yet */
};

/* Makes the file. 0, or -errno once it was logged. */
static int create(struct recorder *recorder, const struct config *config)
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

static void on_record(void *arg, const struct run *run)
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

static void on_tick(void *arg)
{
	struct recorder *recorder = arg;

	session_tick(&recorder->session);
	show(recorder);
	if (recording_flush(recorder->writer) < 0)
		loop_stop(recorder->session.loop);
}

/* Closes the file and says what is in it. 0, or -errno once it was logged. */
static int finish(struct recorder *recorder)
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

static int run(struct recorder *recorder)
{
	struct session *session = &recorder->session;

	pipeline_confine(session->pipeline, FILTER_RECORD);
	log_info("recording to %s", recorder->path);
	int r = loop_run(session->loop);
	if (r < 0)
		return session_fail("cannot wait", r);
	session_tick(session); /* what has finished since */
	return finish(recorder);
}

int record(const struct config *config)
{
	struct recorder recorder = {};
	const struct pipeline_sinks sinks = {.record = on_record, .arg = &recorder};
	/* First: a pipe waits here for its reader, and can still be interrupted. */
	int r = create(&recorder, config);

	if (r == 0)
		r = session_begin(&recorder.session, config);
	if (r == 0)
		r = session_watch(&recorder.session, &sinks, on_tick, &recorder);
	if (r == 0)
		r = run(&recorder);
	session_unwatch(&recorder.session);
	recording_writer_free(&recorder.writer);
	session_end(&recorder.session);
	return r;
}
