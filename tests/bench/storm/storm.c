/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent under load, with an agent of the benchmark's own.
 *
 *     storm [options] --real-only           BPF time of real runs
 *     storm [options]                       start to ready, a storm of tiny runs, BPF time of real
 * runs storm [options] --with CMD ARG...     a storm, then CMD while that agent runs; PORT and PID
 * in ARG are its own
 */
#include <errno.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/bench/agent.h"
#include "tests/bench/storm/bpftime.h"
#include "tests/bench/storm/launch.h"
#include "tests/bench/storm/stopwatch.h"

#define STARTS 10
#define BATCHES 9
#define METRICS_BYTES (32u << 20)
#define STORM_TOOL "storm"
#define DOOR_B "transfer_tracep" /* its program, as the kernel cuts the name */
#define STORM_SUCCESS "tool_id=\"" STORM_TOOL "\",outcome=\"success\""
#define SETTLE_MS 10000
#define SETTLE_POLL_MS 100

static const char usage[] =
	"usage: storm [--agent PATH] [--log PATH] [--bun PATH] [--real-bun PATH] [--worker PATH]\n"
	"             [--tool ID] [--runs N] [--at-once N] [--tools N] [--real-runs N] "
	"[--real-only]\n"
	"             [--with CMD "
	"ARG...]\n";

struct options {
	const char *agent;
	const char *log;
	const char *real_bun;
	const char *worker;
	const char *tool;
	int real_runs;
	bool real_only;
	char **command;
	struct launch storm;
};

/* What /metrics says once nothing moves any more. */
struct seen {
	double started;
	double finished;
	double lost;
	double in_flight;
	double rescued;
	double samples; /* of runtime_tool_execute_seconds: the storm's successes */
	double lines;
};

static double sum_series(const char *text, const char *name, const char *label)
{
	size_t len = strlen(name);
	double sum = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || (line[len] != '{' && line[len] != ' '))
			continue;
		const char *end = strchr(line, '\n');
		const char *value = end ? memrchr(line, ' ', (size_t)(end - line)) : NULL;
		const char *found = label ? strstr(line, label) : line;
		if (value && found && found < value)
			sum += strtod(value, NULL);
	}
	return sum;
}

static double count_lines(const char *text)
{
	double n = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		n += *line && *line != '#';
	}
	return n;
}

static int seen_read(const struct agent *agent, struct seen *ret_seen)
{
	_cleanup_free_ char *text = malloc(METRICS_BYTES);

	if (!text)
		return -ENOMEM;
	int status = agent_get(agent, "/metrics", text, METRICS_BYTES);
	if (status != 200)
		return status < 0 ? status : -EPROTO;
	*ret_seen = (struct seen){
		.started = sum_series(text, "bunscope_runs_started_total", NULL),
		.finished = sum_series(text, "bunscope_runs_finished_total", NULL),
		.lost = sum_series(text, "bunscope_runs_lost_total", NULL),
		.rescued = sum_series(text, "bunscope_runs_rescued_total", NULL),
		.in_flight = sum_series(text, "bunscope_map_entries", "map=\"runs\""),
		.samples = sum_series(text, "runtime_tool_execute_seconds_count", STORM_SUCCESS),
		.lines = count_lines(text),
	};
	return 0;
}

static uint64_t agent_cpu_ns(const struct agent *agent)
{
	clockid_t clock;

	return clock_getcpuclockid(agent->pid, &clock) == 0 ? clock_ns(clock) : 0;
}

static void pause_ms(long ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&pause, NULL);
}

/* Waits until the agent has nothing left to do, without asking it: a scrape would cost CPU that is
 * not the runs'. */
static void wait_settled(const struct agent *agent)
{
	uint64_t before = agent_cpu_ns(agent);

	for (int waited = 0; waited < SETTLE_MS; waited += SETTLE_POLL_MS) {
		pause_ms(SETTLE_POLL_MS);
		uint64_t now = agent_cpu_ns(agent);
		if (now - before < NS_PER_MS / 10)
			return;
		before = now;
	}
}

static void row(const char *what, double value, const char *unit, const char *goal)
{
	int digits = value == floor(value) ? 0 : 2;

	printf("  %-52s %12.*f %-6s %s\n", what, digits, value, unit, goal);
}

static int start(const struct options *options, struct agent *agent)
{
	int r = agent_start(agent, options->agent, NULL, options->log);

	if (r < 0)
		fprintf(stderr, "storm: %s does not start: %s; see %s\n", options->agent,
			strerror(-r), options->log);
	return r;
}

static int bench_ready(const struct options *options)
{
	double best = INFINITY, worst = 0;

	for (int i = 0; i < STARTS; i++) {
		struct agent agent = {};
		int r = start(options, &agent);
		if (r < 0)
			return r;
		agent_stop(&agent);
		best = fmin(best, agent.ready_ms);
		worst = fmax(worst, agent.ready_ms);
	}
	row("start to ready, best of 10", best, "ms", "goal < 200");
	row("start to ready, worst of 10", worst, "ms", "");
	return 0;
}

/*
 * 0 when every run that was launched is in the metrics exactly once. Other Bun processes of the machine may have
 * run meanwhile: they are in the totals, but not in the storm's own series.
 */
static int judge(const struct seen *seen, uint64_t launched)
{
	double balance = seen->started - seen->finished - seen->in_flight - seen->lost;

	row("runs launched", (double)launched, "", "");
	row("samples of runtime_tool_execute_seconds, success", seen->samples, "",
	    "goal = launched");
	row("runs started, others' included", seen->started, "", "");
	row("runs finished, others' included", seen->finished, "", "");
	row("started - finished - in flight - lost", balance, "", "goal 0");
	row("runs lost", seen->lost, "", "goal 0");
	row("records that the ring could not take, swept later", seen->rescued, "", "");

	bool good = seen->samples == (double)launched && balance == 0 && seen->lost == 0;
	printf("  %s\n", good ? "no run lost" : "RUNS LOST OR MISCOUNTED");
	return good ? 0 : -EBADE;
}

static int check_launched(const struct launched *launched)
{
	if (launched->failed == 0 && launched->refused == 0)
		return 0;
	fprintf(stderr, "storm: %lu runs failed, %lu could not be started\n", launched->failed,
		launched->refused);
	return -EBADE;
}

static int storm_watched(const struct launch *storm, const struct agent *agent, double alone_us)
{
	struct launched launched;
	struct seen seen;

	uint64_t before = agent_cpu_ns(agent);
	int r = launch_all(storm, &launched);
	if (r < 0)
		return r;
	wait_settled(agent);
	uint64_t cpu = agent_cpu_ns(agent) - before;
	r = seen_read(agent, &seen);
	if (r < 0)
		return r;

	double runs = (double)launched.ok;
	double each_us = launched.seconds * 1e6 / runs;
	row("runs a second", runs / launched.seconds, "1/s", "");
	row("wall time of a run in the storm, agent off", alone_us, "us", "");
	row("the same, agent on", each_us, "us", "");
	row("ratio", each_us / alone_us, "x", "");
	row("agent CPU of a run", (double)cpu / 1e3 / runs, "us", "goal < 10");
	r = judge(&seen, launched.ok);
	return r < 0 ? r : check_launched(&launched);
}

static int bench_storm(const struct options *options)
{
	struct agent agent = {};
	struct launch warm_up = options->storm;
	struct launched alone;

	warm_up.runs = options->storm.runs / 4;
	int r = launch_all(&warm_up, &alone);
	if (r == 0)
		r = check_launched(&alone);
	if (r < 0)
		return r;
	r = start(options, &agent);
	if (r < 0)
		return r;
	r = storm_watched(&options->storm, &agent, alone.seconds * 1e6 / (double)alone.ok);
	agent_stop(&agent);
	return r;
}

/* One batch of real runs: BPF time and CPU time of a run, in microseconds. */
static int real_batch(const struct launch *real, const struct agent *agent, double *ret_bpf_us,
		      double *ret_cpu_us)
{
	struct bpftime before, after;
	struct launched launched;

	int r = bpftime_of_process(agent->pid, &before);
	if (r == 0)
		r = launch_all(real, &launched);
	if (r == 0)
		r = bpftime_of_process(agent->pid, &after);
	if (r == 0)
		r = check_launched(&launched);
	if (r < 0)
		return r;
	*ret_bpf_us = (double)(after.ns - before.ns) / 1e3 / real->runs;
	*ret_cpu_us = (double)launched.cpu_us / real->runs;
	return 0;
}

static int real_batches(const struct launch *real, const struct agent *agent)
{
	double bpf_us = INFINITY, cpu_us = INFINITY;

	for (int i = 0; i < BATCHES; i++) {
		double bpf, cpu;
		int r = real_batch(real, agent, &bpf, &cpu);
		if (r < 0)
			return r;
		bpf_us = fmin(bpf_us, bpf);
		cpu_us = fmin(cpu_us, cpu);
	}
	row("BPF time of a real run, all programs, best batch", bpf_us, "us", "");
	row("CPU time of that run", cpu_us, "us", "");
	row("share, what other processes caused included", 100 * bpf_us / cpu_us, "%",
	    "goal < 0.2 on a machine that does nothing else");
	bpftime_print_programs(agent->pid);
	return 0;
}

static int bench_statistics(const struct options *options, const struct launch *real)
{
	struct agent agent = {};

	/* They are on as long as this is open, and off again whatever becomes of us. */
	_cleanup_close_ int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0) {
		printf("  skipped: BPF time of real runs: no statistics: %s\n", strerror(errno));
		return 0;
	}
	int r = start(options, &agent);
	if (r < 0)
		return r;
	r = real_batches(real, &agent);
	agent_stop(&agent);
	return r;
}

/* Each hook's median over the batches, in nanoseconds and calls a run. */
struct laps {
	double ns[LAP_COUNT];
	double calls[LAP_COUNT];
};

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double values[BATCHES])
{
	qsort(values, BATCHES, sizeof(*values), compare_doubles);
	return values[BATCHES / 2];
}

static int laps_measure(const struct launch *real, const struct stopwatch *stopwatch,
			struct laps *ret_laps, double *ret_cpu_us)
{
	double ns[LAP_COUNT][BATCHES], calls[LAP_COUNT][BATCHES], cpu_us[BATCHES];
	struct lap before[LAP_COUNT], after[LAP_COUNT];
	struct launched launched;

	for (int i = 0; i < BATCHES; i++) {
		int r = stopwatch_read(stopwatch, before);
		if (r == 0)
			r = launch_all(real, &launched);
		if (r == 0)
			r = check_launched(&launched);
		if (r == 0)
			r = stopwatch_read(stopwatch, after);
		if (r < 0)
			return r;
		for (int hook = 0; hook < LAP_COUNT; hook++) {
			ns[hook][i] = (double)(after[hook].ns - before[hook].ns) / real->runs;
			calls[hook][i] =
				(double)(after[hook].calls - before[hook].calls) / real->runs;
		}
		cpu_us[i] = (double)launched.cpu_us / real->runs;
	}
	for (int hook = 0; hook < LAP_COUNT; hook++) {
		ret_laps->ns[hook] = median(ns[hook]);
		ret_laps->calls[hook] = median(calls[hook]);
	}
	*ret_cpu_us = median(cpu_us);
	return 0;
}

/* What is between the two ends of the stopwatch. */
enum between { BETWEEN_NOTHING, BETWEEN_EMPTY, BETWEEN_AGENT, BETWEEN_COUNT };

/* Less what the stopwatch takes itself. */
static void print_laps(const struct laps laps[BETWEEN_COUNT], double cpu_us)
{
	static const char *const texts[] = {
#define X(name, text) [LAP_##name] = text,
		LAPS(X)
#undef X
	};
	const struct laps *none = &laps[BETWEEN_NOTHING];
	double sums_us[BETWEEN_COUNT] = {};

	printf("    %-44s %10s %8s %12s\n", "us, median of 9 batches", "calls", "agent",
	       "empty ones");
	for (int hook = 0; hook < LAP_COUNT; hook++) {
		double us[BETWEEN_COUNT];
		for (int i = BETWEEN_EMPTY; i < BETWEEN_COUNT; i++) {
			us[i] = (laps[i].ns[hook] - none->ns[hook]) / 1e3;
			sums_us[i] += us[i];
		}
		printf("    %-44s %10.1f %8.2f %12.2f\n", texts[hook],
		       laps[BETWEEN_AGENT].calls[hook], us[BETWEEN_AGENT], us[BETWEEN_EMPTY]);
	}
	row("BPF time of a real run, by a stopwatch", sums_us[BETWEEN_AGENT], "us", "");
	row("programs that do nothing, at the same hooks", sums_us[BETWEEN_EMPTY], "us", "");
	row("CPU time of that run", cpu_us, "us", "");
	row("share", 100 * sums_us[BETWEEN_AGENT] / cpu_us, "%", "goal < 0.2");
}

static int between_begin(const struct options *options, enum between between,
			 struct stopwatch *stopwatch, struct agent *agent)
{
	int r = 0;

	if (between == BETWEEN_EMPTY)
		r = stopwatch_attach_empty(stopwatch);
	if (between == BETWEEN_AGENT)
		r = start(options, agent);
	if (r == 0 && between == BETWEEN_AGENT && !bpftime_has_program(agent->pid, DOOR_B))
		r = -ENOTSUP; /* door A has hooks of its own */
	return r == 0 ? stopwatch_arm(stopwatch) : r;
}

static int laps_with(const struct options *options, const struct launch *real, enum between between,
		     struct laps *ret_laps, double *ret_cpu_us)
{
	struct agent agent = {};
	struct stopwatch *stopwatch = stopwatch_begin();
	int r = stopwatch ? 0 : -errno;

	if (r == 0)
		r = between_begin(options, between, stopwatch, &agent);
	if (r == 0)
		r = laps_measure(real, stopwatch, ret_laps, ret_cpu_us);
	agent_stop(&agent);
	stopwatch_end(stopwatch);
	return r;
}

static int bench_stopwatch(const struct options *options, const struct launch *real)
{
	struct laps laps[BETWEEN_COUNT];
	double cpu_us = 0;

	for (int i = 0; i < BETWEEN_COUNT; i++) {
		int r = laps_with(options, real, i, &laps[i], &cpu_us);
		if (r < 0) {
			printf("  skipped: a stopwatch around the programs of door B: %s\n",
			       strerror(-r));
			return r == -ENOTSUP || i == 0 ? 0 : r;
		}
	}
	print_laps(laps, cpu_us);
	return 0;
}

static int bench_real(const struct options *options)
{
	struct launch real = {
		.bun = options->real_bun,
		.worker = options->worker,
		.tool = options->tool,
		.tools = 1,
		.runs = options->real_runs,
		.at_once = 1,
		.launchers = 1,
	};

	if (!real.bun || access(real.bun, X_OK) < 0) {
		printf("  skipped: BPF time of real runs: no Bun at %s\n",
		       real.bun ? real.bun : "(none)");
		return 0;
	}
	int r = bench_statistics(options, &real);
	int stopped = bench_stopwatch(options, &real);
	return r < 0 ? r : stopped;
}

/* The text of the argument, where it is PORT or PID the agent's own. */
static char *argument(char *text, char *port, char *pid)
{
	if (strcmp(text, "PORT") == 0)
		return port;
	return strcmp(text, "PID") == 0 ? pid : text;
}

static int run_command(char **command, const struct agent *agent)
{
	char port[16], pid[16];
	int status;
	pid_t child;

	snprintf(port, sizeof(port), "%d", agent->port);
	snprintf(pid, sizeof(pid), "%d", agent->pid);
	for (char **arg = command; *arg; arg++)
		*arg = argument(*arg, port, pid);
	int r = -posix_spawnp(&child, command[0], NULL, NULL, command, environ);
	if (r < 0)
		return r;
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return status == 0 ? 0 : -ECHILD;
}

static int bench_with(const struct options *options)
{
	struct launched launched;
	struct agent agent = {};
	struct seen seen;

	int r = start(options, &agent);
	if (r < 0)
		return r;
	r = launch_all(&options->storm, &launched);
	wait_settled(&agent);
	if (r == 0)
		r = seen_read(&agent, &seen);
	if (r == 0) {
		row("series of the agent", seen.lines, "", "");
		fflush(stdout);
		r = run_command(options->command, &agent);
	}
	agent_stop(&agent);
	return r;
}

static int bench_all(const struct options *options)
{
	if (options->real_only)
		return bench_real(options);
	int r = bench_ready(options);
	if (r < 0)
		return r;
	r = bench_storm(options);
	int real = bench_real(options);
	return r < 0 ? r : real;
}

static int parse_options(struct options *options, int argc, char **argv)
{
	enum {
		AGENT = 1,
		LOG,
		BUN,
		REAL_BUN,
		WORKER,
		TOOL,
		RUNS,
		AT_ONCE,
		TOOLS,
		REAL_RUNS,
		WITH,
		REAL_ONLY
	};
	static const struct option known[] = {
		{"agent", required_argument, NULL, AGENT},
		{"log", required_argument, NULL, LOG},
		{"bun", required_argument, NULL, BUN},
		{"real-bun", required_argument, NULL, REAL_BUN},
		{"worker", required_argument, NULL, WORKER},
		{"tool", required_argument, NULL, TOOL},
		{"runs", required_argument, NULL, RUNS},
		{"at-once", required_argument, NULL, AT_ONCE},
		{"tools", required_argument, NULL, TOOLS},
		{"real-runs", required_argument, NULL, REAL_RUNS},
		{"with", no_argument, NULL, WITH},
		{"real-only", no_argument, NULL, REAL_ONLY},
		{},
	};
	const char **const texts[] = {
		[AGENT] = &options->agent,   [LOG] = &options->log,
		[BUN] = &options->storm.bun, [REAL_BUN] = &options->real_bun,
		[WORKER] = &options->worker, [TOOL] = &options->tool,
	};
	int *const numbers[] = {
		[RUNS] = &options->storm.runs,
		[AT_ONCE] = &options->storm.at_once,
		[TOOLS] = &options->storm.tools,
		[REAL_RUNS] = &options->real_runs,
	};
	int c;

	while ((c = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (c == '?')
			return -EINVAL;
		if (c == WITH)
			options->command = argv + optind;
		else if (c == REAL_ONLY)
			options->real_only = true;
		else if (c <= TOOL)
			*texts[c] = optarg;
		else if ((*numbers[c] = (int)strtol(optarg, NULL, 10)) <= 0)
			return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {
		.agent = "build/bunscope",
		.log = "build/bench-storm.log",
		.worker = "tests/e2e/worker/.compozy/bun_worker.ts",
		.tool = "sum",
		.real_runs = 20,
		.storm = {.bun = "build/tests/bench/storm/bun",
			  .worker = "storm/.compozy/bun_worker.ts",
			  .tool = STORM_TOOL,
			  .tools = 1,
			  .runs = 20000,
			  .at_once = 64,
			  .launchers = 2},
	};

	if (parse_options(&options, argc, argv) < 0) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	int r = options.command ? bench_with(&options) : bench_all(&options);
	if (r < 0)
		fprintf(stderr, "storm: %s\n", strerror(-r));
	return r < 0;
}
