/* SPDX-License-Identifier: Apache-2.0 */
#include "run/redact.h"

#include <string.h>

#include "base/cleanup.h"
#include "run/command.h"
#include "run/version.h"

/* ---- the command line ---- */

/* An argument as it stands in the command line. */
struct arg {
	const char *p;
	size_t n;
};

/* A command line being made; too long for ARGS_BYTES: bytes is larger. */
struct line {
	char p[ARGS_BYTES];
	size_t bytes;
};

static struct arg arg_at(const struct run *run, size_t at)
{
	const char *p = (const char *)run->args + at;

	return (struct arg){p, strnlen(p, run->args_bytes - at)};
}

static struct arg arg_of(const char *text)
{
	return (struct arg){text, strlen(text)};
}

static struct arg base_name(struct arg arg)
{
	const char *slash = memrchr(arg.p, '/', arg.n);

	return slash ? (struct arg){slash + 1, arg.n - (size_t)(slash + 1 - arg.p)} : arg;
}

static void line_append(struct line *line, struct arg arg, bool ends)
{
	size_t n = arg.n + ends;

	if (line->bytes + n <= sizeof(line->p)) {
		memcpy(line->p + line->bytes, arg.p, arg.n);
		if (ends)
			line->p[line->bytes + arg.n] = '\0';
	}
	line->bytes += n;
}

/* Puts the line into the record if it is read like the one that is there. */
static bool line_fits(const struct line *line, const struct command *wanted,
		      const struct classify_config *config, struct run *run)
{
	struct command command;

	if (line->bytes > sizeof(line->p))
		return false;
	command_read(line->p, line->bytes, false, config->workers, config->workers_count, &command);
	if (command.worker != wanted->worker || strcmp(command.script, wanted->script) != 0)
		return false;
	memset(run->args, 0, sizeof(run->args));
	memcpy(run->args, line->p, line->bytes);
	run->args_bytes = line->bytes;
	return true;
}

/*
 * The executable's name, then the script's; where that is not enough for a worker's pattern, or the
 * script's name alone would be taken for something else, with the least that is.
 */
static bool try_script(const struct line *begin, const struct command *wanted,
		       const struct classify_config *config, struct run *run)
{
	static const char *const before[] = {"", "./"};
	struct line line = *begin;

	if (wanted->script[0] == '\0')
		return line_fits(&line, wanted, config, run);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		line = *begin;
		line_append(&line, arg_of(before[i]), false);
		line_append(&line, arg_of(wanted->script), true);
		if (line_fits(&line, wanted, config, run))
			return true;
	}
	return false;
}

/* One argument as it is: the script's, or beside the script's name as the value of an option. */
static bool try_argument(const struct line *begin, struct arg arg, const struct command *wanted,
			 const struct classify_config *config, struct run *run)
{
	struct line line = *begin;

	line_append(&line, arg, true);
	if (line_fits(&line, wanted, config, run))
		return true;
	line = *begin;
	line_append(&line, arg_of("--title"), true);
	line_append(&line, arg, true);
	return try_script(&line, wanted, config, run);
}

static void redact_command(struct run *run, const struct classify_config *config)
{
	bool truncated = run->flags & RUN_ARGS_TRUNCATED, done;
	const struct run seen = *run;
	struct arg arg = arg_at(&seen, 0);
	struct command wanted;
	struct line line = {};

	command_read(run->args, run->args_bytes, truncated, config->workers, config->workers_count,
		     &wanted);
	line_append(&line, base_name(arg), true);
	done = try_script(&line, &wanted, config, run);
	for (size_t at = arg.n + 1; at < seen.args_bytes && !done; at += arg.n + 1) {
		arg = arg_at(&seen, at);
		done = try_argument(&line, arg, &wanted, config, run);
	}
}

/* ---- the record ---- */

/* With what the synthetic texts end as well, so that a recording's frame has no need to hold it. */
static void clear_texts(struct run *run)
{
	memset(run->request_offered_tail, REDACT_SPACE, sizeof(run->request_offered_tail));
	memset(&run->request_self, REDACT_SPACE, sizeof(run->request_self));
	memset(&run->request_peer, REDACT_SPACE, sizeof(run->request_peer));
	memset(&run->reply_self, REDACT_SPACE, sizeof(run->reply_self));
	memset(&run->reply_peer, REDACT_SPACE, sizeof(run->reply_peer));
}

/* The side that counts; the other one is looked at only where that may have a hole. */
static void redact_texts(struct run *run)
{
	const struct run seen = *run;

	clear_texts(run);
	for (int other = 0; other <= text_may_have_holes(&seen); other++) {
		struct request request;
		struct text text;

		text_of_request(&seen, other, &text);
		request_read(&text, &request);
		redact_request(&request, &text);
		text_to_request(&text, other, run);

		text_of_reply(&seen, other, &text);
		redact_reply(reply_judge(&text), &text);
		text_to_reply(&text, other, run);
	}
}

void run_redact(struct run *run, const struct classify_config *config)
{
	redact_texts(run);
	if (run->args_bytes > 0 && !version_is(run))
		redact_command(run, config);
	for (int i = 0; i < STDIO_COUNT; i++) {
		run->stdio[i].key = (struct inode_key){};
		run->stdio[i].peer_key = (struct inode_key){};
	}
}
