/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a registry with the agent's shape of series and times what a scrape costs inside the
 *process: the text in both formats, and its gzip at the levels of zlib and libdeflate that one
 *would choose from.
 *
 *	render [LINES [FILE]]	FILE gets the text, for rival/
 */
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "metric/metric.h"

#define ROUNDS 200
#define SAMPLES_PER_SERIES 64
#define GZIP_WINDOW_BITS (15 + 16)

#define SECONDS_BUCKETS                                                                            \
	{                                                                                          \
		5000000, 10000000, 25000000, 50000000, 100000000, 250000000, 500000000,            \
			1000000000, 2500000000, 5000000000, 10000000000, 30000000000               \
	}
#define BYTES_BUCKETS                                                                              \
	{                                                                                          \
		100, 1000, 10000, 100000, 1000000, 10000000                                        \
	}

#define FAMILY(type_, name_, unit_, scale_, label, buckets_)                                       \
	{                                                                                          \
		.name = name_, .type = METRIC_##type_, .unit = unit_,                              \
		.help = "What a family says of itself.", .scale = scale_,                          \
		.labels = {"tool_id", label}, .bounded = 1, .buckets = buckets_                    \
	}

static const struct family families[] = {
	FAMILY(HISTOGRAM, "runtime_tool_execute_seconds", "seconds", 9, "outcome", SECONDS_BUCKETS),
	FAMILY(COUNTER, "runtime_tool_errors_total", "", 0, "error_kind", {}),
	FAMILY(COUNTER, "runtime_tool_timeouts_total", "", 0, NULL, {}),
	FAMILY(HISTOGRAM, "runtime_tool_output_bytes", "bytes", 0, NULL, BYTES_BUCKETS),
	FAMILY(GAUGE, "runtime_tool_runs_in_flight", "", 0, NULL, {}),
	FAMILY(HISTOGRAM, "runtime_tool_startup_seconds", "seconds", 9, NULL, SECONDS_BUCKETS),
	FAMILY(HISTOGRAM, "runtime_tool_cpu_seconds", "seconds", 9, NULL, SECONDS_BUCKETS),
	FAMILY(COUNTER, "runtime_tool_main_thread_seconds_total", "seconds", 9, "state", {}),
	FAMILY(HISTOGRAM, "runtime_tool_max_rss_bytes", "bytes", 0, NULL, BYTES_BUCKETS),
	FAMILY(HISTOGRAM, "runtime_tool_input_bytes", "bytes", 0, NULL, BYTES_BUCKETS),
	FAMILY(HISTOGRAM, "runtime_tool_stderr_bytes", "bytes", 0, NULL, BYTES_BUCKETS),
};

static const char *const second_values[ARRAY_SIZE(families)][8] = {
	[0] = {"success", "error", "timeout"},
	[1] = {"start", "stdin", "stdout", "stderr", "wait", "parse", "timeout"},
	[7] = {"cpu", "runqueue", "wait"},
};

static void move(struct series *series, const struct family *family)
{
	uint64_t ceiling = family->scale ? 20 * NS_PER_SECOND : 2000000;

	if (family->type == METRIC_GAUGE)
		series_set(series, (uint64_t)random() % 8);
	else if (family->type == METRIC_COUNTER)
		series_add(series, (uint64_t)random() * (family->scale ? 1000 : 1) % ceiling);
	for (int i = 0; family->type == METRIC_HISTOGRAM && i < SAMPLES_PER_SERIES; i++)
		series_observe(series, (uint64_t)random() * 64 % (ceiling >> random() % 16));
}

static void fill_tool(struct registry *registry, unsigned tool)
{
	char tool_id[32];

	(void)snprintf(tool_id, sizeof(tool_id), "example-tool-%04u", tool);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const char *const *second = second_values[i];
		do {
			struct series *series =
				registry_series(registry, i, (const char *[]){tool_id, *second});
			if (!series)
				exit(1);
			move(series, &families[i]);
		} while (*second && *++second);
	}
}

static void report(const char *what, uint64_t best_ns, size_t bytes)
{
	(void)printf("%-24s %8.3f ms  %8zu bytes\n", what, (double)best_ns / NS_PER_MS, bytes);
}

static void time_write(const struct registry *registry, enum metric_format format, const char *what,
		       struct buf *out)
{
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start_ns = clock_monotonic_ns();
		buf_clear(out);
		registry_write(registry, format, out);
		uint64_t ns = clock_monotonic_ns() - start_ns;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	report(what, best_ns, out->len);
	(void)printf("%-24s %8.1f ns a line\n", "",
		     (double)best_ns / (double)registry_lines(registry));
}

static size_t zlib_gzip(const struct buf *text, struct buf *out)
{
	z_stream stream = {};

	if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	stream.next_in = (Bytef *)text->data;
	stream.avail_in = (uInt)text->len;
	stream.next_out = (Bytef *)out->data;
	stream.avail_out = (uInt)out->cap;
	(void)deflate(&stream, Z_FINISH);
	(void)deflateEnd(&stream);
	return stream.total_out;
}

static size_t libdeflate_gzip(const struct buf *text, struct buf *out, int level)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(level);
	if (!compressor)
		return 0;

	size_t n = libdeflate_gzip_compress(compressor, text->data, text->len, out->data, out->cap);
	libdeflate_free_compressor(compressor);
	return n;
}

/* level 0 stands for zlib's level 1 */
static void time_gzip(const struct buf *text, int level)
{
	_cleanup_buf_ struct buf out = {};
	uint64_t best_ns = UINT64_MAX;
	char what[32];
	size_t bytes = 0;

	(void)buf_reserve(&out, text->len);
	for (int i = 0; i < ROUNDS / 4; i++) {
		uint64_t start_ns = clock_monotonic_ns();
		bytes = level ? libdeflate_gzip(text, &out, level) : zlib_gzip(text, &out);
		uint64_t ns = clock_monotonic_ns() - start_ns;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	(void)snprintf(what, sizeof(what), level ? "gzip libdeflate -%d" : "gzip zlib -1", level);
	report(what, best_ns, bytes);
}

static int save(const struct buf *text, const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	return file && fwrite(text->data, 1, text->len, file) == text->len ? 0 : 1;
}

int main(int argc, char **argv)
{
	size_t lines = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	_cleanup_buf_ struct buf text = {};
	struct registry *registry = NULL;

	if (registry_new(families, ARRAY_SIZE(families), "", 100000, &registry) < 0)
		return 1;
	for (unsigned tool = 0; registry_lines(registry) < lines; tool++)
		fill_tool(registry, tool);
	(void)printf("%zu lines\n", registry_lines(registry));

	time_write(registry, METRIC_FORMAT_OPENMETRICS, "OpenMetrics", &text);
	time_write(registry, METRIC_FORMAT_TEXT, "text", &text);
	for (int level = 0; level <= 3; level++)
		time_gzip(&text, level);
	registry_free(&registry);
	return argc > 2 ? save(&text, argv[2]) : 0;
}
