/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span costs, from a finished record to a collector on this machine, on one core.
 *
 *	spans [--spans N]             CPU and bytes a span, spans a second, memory with the queue full
 *	spans --for COMMAND ARGS...   runs a command with OTEL_EXPORTER_OTLP_TRACES_ENDPOINT set to such a collector
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "run/classify.h"
#include "tests/bench/spans/sink.h"
#include "tests/unit/run/builder.h"
#include "tracer.h"

#define QUEUE_MAX 2048
#define BATCH_MAX 512
#define TICK_SPANS 64 /* a tick for each so many */

struct bench {
	struct sink sink;
	struct http *http;
	struct exporter *exporter;
	struct tracer *tracer;
	struct run run;
	struct report report;
};

static const struct identity nobody;

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "spans: %s: %s\n", what, strerror(-r));
	exit(1);
}

static void make_record(struct bench *bench)
{
	static const char *const workers[] = {"*/bun_worker.ts"};
	const struct classify_config config = {.workers = workers, .workers_count = 1};

	build_run(&bench->run);
	bench->run.cpu_ns = 20000000;
	bench->run.max_rss_bytes = 33000000;
	if (!run_classify(&bench->run, &config, 0, &bench->report))
		exit(1);
}

static void bench_open(struct bench *bench, bool json, bool gzip)
{
	static const struct otlp_attribute resource[] = {{"service.name", "bunscope"},
							 {"host.name", "bench"}};
	const struct exporter_config config = {
		.url = bench->sink.url,
		.json = json,
		.gzip = gzip,
		.timeout_ms = 10000,
		.give_up_ms = 60000,
		.delay_ms = 1000,
		.queue_max = QUEUE_MAX,
		.batch_max = BATCH_MAX,
		.resource = resource,
		.resource_count = ARRAY_SIZE(resource),
	};

	must(http_new(&bench->http), "http");
	must(exporter_new(&config, bench->http, 1, &bench->exporter), "exporter");
	must(tracer_new(&(struct tracer_config){.sampler = {SAMPLER_ALWAYS_ON, 1},
						.exporter = bench->exporter},
			&bench->tracer),
	     "tracer");
}

static void bench_close(struct bench *bench)
{
	tracer_free(&bench->tracer);
	exporter_free(&bench->exporter);
	http_free(&bench->http);
}

static struct tracer_totals totals_of(const struct bench *bench)
{
	struct tracer_totals totals;

	tracer_totals(bench->tracer, &totals);
	return totals;
}

static void turn(struct bench *bench, int timeout_ms)
{
	struct pollfd ready = {.fd = http_fd(bench->http), .events = POLLIN};

	if (poll(&ready, 1, timeout_ms) > 0)
		http_run(bench->http);
}

/* As fast as the collector takes them: never more than the queue holds. */
static void send_all(struct bench *bench, unsigned long count)
{
	for (unsigned long i = 0; i < count; i++) {
		while (totals_of(bench).exporter.queued == QUEUE_MAX)
			turn(bench, -1);
		tracer_run(bench->tracer, &bench->run, &bench->report, &nobody);
		if (i % TICK_SPANS == 0)
			turn(bench, 0);
	}
	tracer_flush(bench->tracer);
	while (totals_of(bench).exporter.queued)
		turn(bench, -1);
}

static void measure_sending(struct bench *bench, const char *name, bool json, bool gzip,
			    unsigned long count)
{
	bench_open(bench, json, gzip);
	uint64_t bytes = *bench->sink.bytes;
	uint64_t cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID), begin_ns = clock_monotonic_ns();

	send_all(bench, count);
	cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	uint64_t wall_ns = clock_monotonic_ns() - begin_ns;
	struct tracer_totals totals = totals_of(bench);
	printf("    %-16s %10.2f %12.0f %12.0f %10llu\n", name,
	       (double)cpu_ns / 1e3 / (double)count,
	       (double)(*bench->sink.bytes - bytes) / (double)count,
	       (double)count / ((double)wall_ns / 1e9),
	       (unsigned long long)(totals.exporter.exported));
	bench_close(bench);
}

static long resident_kib(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	char line[128], *rest;

	if (!file || !fgets(line, sizeof(line), file))
		return 0;
	(void)strtol(line, &rest, 10);
	return strtol(rest, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Nobody is asked: the client's socket is never looked at. */
static void measure_memory(struct bench *bench)
{
	long before = resident_kib();

	bench_open(bench, false, true);
	long open = resident_kib();
	for (int i = 0; i < 2 * QUEUE_MAX; i++)
		tracer_run(bench->tracer, &bench->run, &bench->report, &nobody);
	long full = resident_kib();
	struct tracer_totals totals = totals_of(bench);
	printf("\n    spans on, none yet        %6ld KiB\n", open - before);
	printf("    queue full, %llu spans    %6ld KiB more; %llu dropped\n",
	       (unsigned long long)totals.exporter.queued, full - open,
	       (unsigned long long)totals.exporter.dropped);
	bench_close(bench);
}

static int run_for(struct bench *bench, char **command)
{
	int status = 0;

	(void)setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", bench->sink.url, 1);
	pid_t pid = fork();
	if (pid == 0) {
		(void)execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	unsigned long count = 200000;
	int r = 0;

	if (argc == 3 && strcmp(argv[1], "--spans") == 0)
		count = strtoul(argv[2], NULL, 10);
	make_record(&bench);
	sink_start(&bench.sink);
	if (argc > 2 && strcmp(argv[1], "--for") == 0) {
		r = run_for(&bench, argv + 2);
	} else {
		measure_memory(&bench);
		printf("\n    %-16s %10s %12s %12s %10s\n", "", "CPU us", "bytes", "spans/s",
		       "exported");
		measure_sending(&bench, "protobuf", false, false, count);
		measure_sending(&bench, "protobuf gzip", false, true, count);
		measure_sending(&bench, "json gzip", true, true, count / 10);
	}
	sink_stop(&bench.sink);
	return r;
}
