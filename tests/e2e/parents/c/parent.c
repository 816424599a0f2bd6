/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small server that runs tools in Bun children as COMPOZY.md, sections 1 to 4, says, and prints its own truth.
 *
 *     parent --exe BUN --root ROOT
 *
 * Each line on stdin is a job (see ../../README.md). It lives, with every zombie and pipe end that it left
 * behind, until its stdin ends.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "call.h"
#include "spawn.h"

#define CONCURRENCY_MAX 1024
#define JOBS_MAX 64

/* Calls that run side by side: each job's count of times, in turns. */
struct batch {
	struct job jobs[JOBS_MAX];
	uint64_t jobs_count;
	uint64_t calls;
	uint64_t concurrency;
	atomic_ulong next;
};

void line_print(json_t *line)
{
	char *text = json_dumps(line, JSON_COMPACT);

	flockfile(stdout);
	fputs(text, stdout);
	fputc('\n', stdout);
	fflush(stdout);
	funlockfile(stdout);
	free(text);
	json_decref(line);
}

static void *batch_worker(void *argument)
{
	struct batch *batch = argument;

	for (;;) {
		uint64_t number = atomic_fetch_add(&batch->next, 1);

		if (number >= batch->calls)
			return NULL;
		line_print(call_make(&batch->jobs[number % batch->jobs_count], number));
	}
}

static void batch_run(struct batch *batch)
{
	pthread_t threads[CONCURRENCY_MAX];
	uint64_t n = batch->concurrency < CONCURRENCY_MAX ? batch->concurrency : CONCURRENCY_MAX;
	uint64_t started = 0;

	while (started < n && pthread_create(&threads[started], NULL, batch_worker, batch) == 0)
		started++;
	for (uint64_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

/* A line is one job, or has several in "calls". */
static void batch_from_json(json_t *line, const struct settings *settings, struct batch *ret_batch)
{
	json_t *calls = json_object_get(line, "calls");
	struct job common;

	job_from_json(line, settings, &common);
	ret_batch->concurrency = common.concurrency;
	ret_batch->jobs_count = json_array_size(calls);
	if (ret_batch->jobs_count > JOBS_MAX)
		ret_batch->jobs_count = JOBS_MAX;
	for (uint64_t i = 0; i < ret_batch->jobs_count; i++)
		job_from_json(json_array_get(calls, i), settings, &ret_batch->jobs[i]);
	if (!ret_batch->jobs_count)
		ret_batch->jobs[ret_batch->jobs_count++] = common;
	ret_batch->calls = common.count * ret_batch->jobs_count;
}

static void reap_all(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void line_run(const char *text, const struct settings *settings)
{
	json_t *line = json_loads(text, 0, NULL);
	struct batch batch = {0};

	if (!json_is_object(line)) {
		fprintf(stderr, "parent: not a JSON object: %s", text);
		exit(2);
	}
	if (json_is_true(json_object_get(line, "reap"))) {
		reap_all();
	} else {
		batch_from_json(line, settings, &batch);
		batch_run(&batch);
	}
	json_decref(line);
	line_print(json_pack("{s:s}", "event", "done"));
}

static void options_parse(int argc, char **argv, struct settings *ret_settings)
{
	static const struct option options[] = {
		{"exe", required_argument, NULL, 'e'},
		{"root", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'e')
			ret_settings->exe = optarg;
		else if (option == 'r')
			ret_settings->root = optarg;
		else
			exit(2);
	}
	if (!ret_settings->exe || !ret_settings->root) {
		fprintf(stderr, "usage: parent --exe BUN --root ROOT\n");
		exit(2);
	}
}

static void signal_ignored(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	/* A handler, not SIG_IGN: what is ignored would be inherited by Bun, which Go avoids. */
	struct sigaction action = {.sa_handler = signal_ignored, .sa_flags = SA_RESTART};
	struct settings settings = {0};
	char *line = NULL;
	size_t room = 0;

	options_parse(argc, argv, &settings);
	sigaction(SIGPIPE, &action, NULL);
	probe_child_spawn();
	while (getline(&line, &room, stdin) > 0)
		line_run(line, &settings);
	free(line);
	return 0;
}
