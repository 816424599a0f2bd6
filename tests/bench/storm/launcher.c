/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storm alone, for tests: launches runs, and prints as a line of JSON what it launched.
 *
 *     launcher [--bun PATH] [--worker PATH] [--tool ID] [--runs N] [--at-once N] [--launchers N] [--tools N]
 *              [--same-pids]
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/storm/launch.h"

static int parse_options(struct launch *launch, int argc, char **argv)
{
	enum { BUN = 1, WORKER, TOOL, RUNS, AT_ONCE, LAUNCHERS, TOOLS, SAME_PIDS };
	static const struct option known[] = {
		{"bun", required_argument, NULL, BUN},
		{"worker", required_argument, NULL, WORKER},
		{"tool", required_argument, NULL, TOOL},
		{"runs", required_argument, NULL, RUNS},
		{"at-once", required_argument, NULL, AT_ONCE},
		{"launchers", required_argument, NULL, LAUNCHERS},
		{"tools", required_argument, NULL, TOOLS},
		{"same-pids", no_argument, NULL, SAME_PIDS},
		{},
	};
	const char **const texts[] = {
		[BUN] = &launch->bun, [WORKER] = &launch->worker, [TOOL] = &launch->tool};
	int *const numbers[] = {
		[RUNS] = &launch->runs,
		[AT_ONCE] = &launch->at_once,
		[LAUNCHERS] = &launch->launchers,
		[TOOLS] = &launch->tools,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?')
			return -1;
		if (c == SAME_PIDS)
			launch->same_pids = true;
		else if (c <= TOOL)
			*texts[c] = optarg;
		else if ((*numbers[c] = (int)strtol(optarg, NULL, 10)) <= 0)
			return -1;
	}
	return optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct launch launch = {
		.bun = "build/tests/bench/storm/bun",
		.worker = "storm/.compozy/bun_worker.ts",
		.tool = "storm",
		.tools = 1,
		.runs = 1,
		.at_once = 1,
		.launchers = 1,
	};
	struct launched launched;

	if (parse_options(&launch, argc, argv) < 0) {
		fputs("launcher: see the comment in launcher.c\n", stderr);
		return 2;
	}
	int r = launch_all(&launch, &launched);
	if (r < 0) {
		fprintf(stderr, "launcher: %s\n", strerror(-r));
		return 1;
	}
	printf("{\"ok\": %lu, \"failed\": %lu, \"failed_status\": %d, \"refused\": %lu, "
	       "\"request_bytes\": %lu, \"reply_bytes\": %lu}\n",
	       launched.ok, launched.failed, launched.failed_status, launched.refused,
	       launched.request_bytes, launched.reply_bytes);
	return 0;
}
