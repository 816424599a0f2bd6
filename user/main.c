/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line, and the command that it asks for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config.h"
#include "doctor.h"
#include "playback.h"
#include "recorder.h"
#include "replay.h"
#include "sandbox/filter.h"
#include "serve.h"
#include "tail.h"
#include "top.h"
#include "web/web.h"

enum exit_status { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct app {
	struct config *config;
	size_t arg_count;
	char *const *args;
	enum doctor_verdict verdict; /* of doctor: its exit code */
};

static int print_buf(struct buf *out)
{
	return fputs(buf_cstr(out), stdout) < 0 || fflush(stdout) != 0 ? -EIO : 0;
}

static int print(void (*text)(struct buf *out))
{
	_cleanup_buf_ struct buf out = {};

	text(&out);
	return print_buf(&out);
}

static int examine(struct app *app)
{
	_cleanup_buf_ struct buf out = {};

	app->verdict = doctor_examine(app->config, &out);
	return print_buf(&out);
}

static int run_command(struct app *app)
{
	switch (app->config->command) {
	case COMMAND_HELP:
		return print(config_help);
	case COMMAND_VERSION:
		return print(config_version);
	case COMMAND_TAIL:
		return tail(app->config);
	case COMMAND_RECORD:
		return record(app->config);
	case COMMAND_REPLAY:
		return app->config->replay_serves ? playback(app->config) : replay(app->config);
	case COMMAND_TOP:
		return top_run(app->config);
	case COMMAND_DOCTOR:
		return examine(app);
	default:
		return serve(app->config, app->arg_count, app->args);
	}
}

static void print_good(struct buf *out)
{
	buf_append_cstr(out, "bunscope: the configuration is good\n");
}

/* The command line, its file, and the file that says who may read: all that is wrong is known before a start. */
static int configure(struct app *app, struct buf *message)
{
	_cleanup_buf_ struct buf wrong = {};
	int r = config_parse(app->arg_count, app->args, &app->config, message);

	if (r < 0 || !app->config->web_config_file)
		return r;
	r = web_check(app->config->web_config_file, &wrong);
	if (r < 0) {
		buf_clear(message);
		buf_printf(message, "bunscope: %s", wrong.len ? buf_cstr(&wrong) : strerror(-r));
	}
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct buf message = {};
	struct app app = {.arg_count = (size_t)argc - 1, .args = argv + 1};
	int r = configure(&app, &message);

	if (r < 0) {
		(void)fprintf(stderr, "%s\n", message.len ? buf_cstr(&message) : strerror(-r));
		config_free(&app.config);
		return EXIT_USAGE;
	}
	log_setup(app.config->log_level, app.config->log_format);
	config_warn(&message);
	(void)signal(SIGPIPE, SIG_IGN); /* a reader that is gone is an error of the write */
	r = app.config->check_only ? print(print_good) : run_command(&app);
	filter_report();
	config_free(&app.config);
	return r < 0 ? EXIT_FAILED : (int)app.verdict;
}
