/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a recording is replayed, on one core, from the file to the exposition's text.
 *
 *	replay [--records N] [--rounds N] [--payload]
 *
 * Writes a recording of N records that unit tests' builders make: tools that answer, and each
 * twentieth ends in another of the ways in which a run can end. The first of the rounds warms up.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "intake.h"
#include "record/writer.h"
#include "replay.h"
#include "run/redact.h"
#include "tests/unit/run/rows.h"

#define RECORDS_MAX 4000000ul
#define TOOLS 40
#define ODD_ONES 20 /* one in so many is another row of the table of situations */

struct options {
	unsigned long records;
	unsigned long rounds;
	bool payload;
};

static void options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{"records", required_argument, NULL, 'n'},
		{"rounds", required_argument, NULL, 'r'},
		{"payload", no_argument, NULL, 'p'},
		{},
	};
	int option;

	*ret = (struct options){.records = 500000, .rounds = 5};
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'n')
			ret->records = strtoul(optarg, NULL, 10);
		else if (option == 'r')
			ret->rounds = strtoul(optarg, NULL, 10);
		else if (option == 'p')
			ret->payload = true;
		else
			exit(2);
	}
	if (ret->records == 0 || ret->records > RECORDS_MAX || ret->rounds == 0) {
		fprintf(stderr, "replay: 1 to %lu records, 1 round or more\n", RECORDS_MAX);
		exit(2);
	}
}

/* As a server's day goes: its tools answer, sooner or later. */
static void arrange(struct run *run, unsigned long i)
{
	char request[256], reply[512], text[64] = "";

	build_run(run);
	(void)snprintf(
		request, sizeof(request),
		"{\"tool_id\":\"tool-%lu\",\"tool_exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5p%03lu\","
		"\"input\":{\"a\":%lu},\"config\":null,\"env\":{},\"timeout_ms\":60000}",
		i % TOOLS, i % 1000, i);
	memset(text, 'x', i % sizeof(text));
	(void)snprintf(reply, sizeof(reply),
		       "{\"result\":{\"value\":%lu,\"text\":\"%s\"},\"error\":null," BUILD_METADATA,
		       i, text);
	build_request(run, request);
	build_reply(run, reply, strlen(reply));
	if (i % ODD_ONES == 0)
		situations[i / ODD_ONES % ARRAY_SIZE(situations)].arrange(run);
	run->key.tgid = (uint32_t)(1000 + i % 4000000);
	run->ordinal = i + 1;
}

static int write_recording(const char *path, const struct options *options,
			   const struct config *config)
{
	_cleanup_recording_writer_ struct recording_writer *writer = NULL;
	const struct classify_config classify = intake_classify(config);
	_cleanup_buf_ struct buf message = {};
	struct run run;
	int r = recording_create(path, options->payload, &writer, &message);

	if (r < 0) {
		fprintf(stderr, "replay: %s\n", buf_cstr(&message));
		return r;
	}
	for (unsigned long i = 0; i < options->records; i++) {
		arrange(&run, i);
		if (!options->payload)
			run_redact(&run, &classify);
		recording_append(writer, &run);
	}
	r = recording_close(writer);
	if (r < 0)
		fprintf(stderr, "replay: %s: %s\n", path, strerror(-r));
	else
		printf("%lu records, %s payload, %.0f bytes each\n", options->records,
		       options->payload ? "with" : "without",
		       (double)recording_bytes(writer) / (double)options->records);
	return r;
}

static int measure(const struct config *config, const struct options *options)
{
	double best = 0;

	for (unsigned long round = 0; round <= options->rounds; round++) {
		_cleanup_buf_ struct buf message = {};
		_cleanup_buf_ struct buf out = {};
		uint64_t begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		int r = replay_file(config, &out, &message);
		double ns = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) /
			    (double)options->records;

		if (r < 0) {
			fprintf(stderr, "replay: %s\n", buf_cstr(&message));
			return r;
		}
		if (round > 0 && (best == 0 || ns < best))
			best = ns;
	}
	printf("best of %lu: %.2f million records a second of one core's time, %.0f ns a record\n",
	       options->rounds, 1e3 / best, best);
	return 0;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/bunscope-replay-XXXXXX";
	_cleanup_config_ struct config *config = NULL;
	_cleanup_buf_ struct buf message = {};
	struct options options;
	int fd;

	options_parse(argc, argv, &options);
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	(void)close(fd);
	(void)unlink(path);
	char command[] = "replay";
	char *args[] = {command, path};
	int r = config_parse(ARRAY_SIZE(args), args, &config, &message);
	if (r == 0)
		r = write_recording(path, &options, config);
	if (r == 0)
		r = measure(config, &options);
	(void)unlink(path);
	return r < 0;
}
