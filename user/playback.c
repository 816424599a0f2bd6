/* SPDX-License-Identifier: Apache-2.0 */
#include "playback.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config.h"
#include "intake.h"
#include "loop.h"
#include "record/reader.h"
#include "replay.h"
#include "run/measure.h"
#include "sandbox/capabilities.h"
#include "sandbox/filter.h"
#include "serving.h"

/* As often as an agent looks into its ring. */
#define TICK_MS 100

struct playback {
	const struct config *config;
	struct loop *loop;
	struct metrics *metrics;
	struct recording_reader *reader;
	struct web *web;
	struct intake intake;
	const struct run *next; /* NULL: all were counted */
	uint64_t counted;
	uint64_t ended_ns; /* when the first run ended, by the recording's clock */
	uint64_t began_ns; /* … and by ours */
	int r;
};

static uint64_t run_end_ns(const struct run *run)
{
	struct report measured = {};

	run_measure(run, &measured);
	return run->key.start_ns + measured.latency_ns;
}

/* Reads the next run, if there is one. 0, or -errno once it was logged. */
static int advance(struct playback *playback)
{
	_cleanup_buf_ struct buf message = {};
	int r = recording_next(playback->reader, &playback->next, &message);

	if (r < 0) {
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
		return r;
	}
	if (r > 0)
		return 0;
	playback->next = NULL;
	log_info("all %llu Bun processes of %s%s were counted",
		 (unsigned long long)playback->counted, playback->config->file,
		 recording_complete(playback->reader) ? "" : ", which was not closed,");
	return 0;
}

static bool is_due(const struct playback *playback, uint64_t now_ns)
{
	return run_end_ns(playback->next) <= playback->ended_ns + (now_ns - playback->began_ns);
}

static void on_tick(void *arg)
{
	struct playback *playback = arg;
	uint64_t now_ns = clock_monotonic_ns();
	struct report report;

	web_tick(playback->web, now_ns);
	filter_report();
	while (playback->next && is_due(playback, now_ns)) {
		(void)intake_run(&playback->intake, playback->next, OWNER_UNKNOWN, &report);
		playback->counted++;
		playback->r = advance(playback);
		if (playback->r < 0) {
			loop_stop(playback->loop);
			return;
		}
	}
}

static int serve_metrics(void *arg, enum metric_format format, struct buf *out)
{
	struct playback *playback = arg;

	replay_write(playback->metrics, playback->counted, format, out);
	return buf_error(out);
}

static bool serve_yes(void *arg, struct buf *reasons)
{
	(void)arg;
	(void)reasons;
	return true;
}

/* It attaches nothing, so it has no probes to say so of. */
static void give_up_privileges(void)
{
	uint64_t kept;
	int r = capabilities_drop(0, &kept);

	if (r == 0)
		r = filter_load(FILTER_BASE | FILTER_WEB);
	if (r < 0)
		log_warn("keeps privileges that it does not need: %s", strerror(-r));
}

static int open_recording(struct playback *playback)
{
	_cleanup_buf_ struct buf message = {};
	int r = recording_open(playback->config->file, &playback->reader, &message);

	if (r < 0) {
		log_error("%s", message.len ? buf_cstr(&message) : strerror(-r));
		return r;
	}
	return advance(playback);
}

static int start_serving(struct playback *playback)
{
	const struct web_handlers handlers = {
		.arg = playback,
		.metrics = serve_metrics,
		.healthy = serve_yes,
		.ready = serve_yes,
	};
	int r = serving_start(playback->config, &handlers, playback->loop, &playback->web);

	if (r < 0)
		return r;
	r = loop_tick(playback->loop, TICK_MS, on_tick, playback);
	if (r < 0)
		log_error("cannot wait: %s", strerror(-r));
	return r;
}

static int start(struct playback *playback)
{
	const struct config *config = playback->config;
	int r = loop_new(&playback->loop);

	if (r == 0)
		r = metrics_new(config->metrics_prefix, config->max_label_values, 0,
				&playback->metrics);
	if (r < 0) {
		log_error("cannot start: %s", strerror(-r));
		return r;
	}
	intake_init(&playback->intake, config, playback->metrics);
	r = open_recording(playback);
	return r < 0 ? r : start_serving(playback);
}

static int run(struct playback *playback)
{
	int r = start(playback);

	if (r < 0)
		return r;
	give_up_privileges();
	log_info("listening on %s, playing %s", web_address(playback->web), playback->config->file);
	playback->began_ns = clock_monotonic_ns();
	playback->ended_ns = playback->next ? run_end_ns(playback->next) : 0;
	r = loop_run(playback->loop);
	if (r < 0)
		log_error("cannot wait: %s", strerror(-r));
	return r < 0 ? r : playback->r;
}

int playback(const struct config *config)
{
	struct playback playback = {.config = config};
	int r = run(&playback);

	web_stop(&playback.web);
	recording_reader_free(&playback.reader);
	metrics_free(&playback.metrics);
	loop_free(&playback.loop);
	return r;
}
