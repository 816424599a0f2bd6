/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the recordings that tests/golden holds, from the unit tests' builders: always the same
 * bytes. `make golden` runs it.
 *
 *	make_golden FOLDER
 */
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/writer.h"
#include "run/redact.h"
#include "run/rows.h"

#define SECOND_NS 1000000000ull
#define PATH_MAX_BYTES 4096

struct golden {
	const char *name;
	bool payload;
	void (*write)(struct recording_writer *writer, bool payload);
};

/* Each record is a process of its own, some time after the one before. */
static void append(struct recording_writer *writer, struct run *run, bool payload)
{
	uint64_t n = recording_runs(writer);

	run->ordinal = n + 1;
	run->cpu = n % 4;
	run->parent_start_ns = SECOND_NS;
	run->stdio[STDIO_IN].key = (struct inode_key){0xffff888000001000 + n * 8, 100 + n};
	if (!payload)
		run_redact(run, &track_workers);
	recording_append(writer, run);
}

/* Each way in which a run can end, with numbers of its own. */
static void write_situations(struct recording_writer *writer, bool payload)
{
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		struct run run;

		build_run(&run);
		situations[i].arrange(&run);
		run.cpu_ns = 20000000 + i * 7000000;
		run.main_cpu_ns = 15000000 + i * 3000000;
		run.main_runqueue_ns = 100000 * i;
		run.max_rss_bytes = 33000000 + i * 1000000;
		append(writer, &run, payload);
	}
}

static void ask_version(struct run *run)
{
	static const char args[] = "bun\0--version";

	build_args(run, args, sizeof(args));
	build_request_written(run, "", 0);
	build_request_read(run, "", 0);
	reply_with(run, "1.4.5\n");
	run->stdio[STDIO_IN].kind = STDIO_KIND_OTHER;
	run->key.start_ns -= SECOND_NS / 5;
	build_exit(run, 0, 0);
	run->exit_ns -= SECOND_NS / 50;
}

static void write_call_with_version(struct recording_writer *writer, bool payload)
{
	struct run run;

	build_run(&run);
	ask_version(&run);
	append(writer, &run, payload);
	/* Killed by its server before the deadline, if that counted from the fork. */
	build_run(&run);
	kill_by(&run, 800, BUILD_SERVER);
	append(writer, &run, payload);
}

/* Tool ids of all kinds, scripts, other people's processes. */
static void write_tools(struct recording_writer *writer, bool payload)
{
	static const char *const ids[] = {
		"sum",	   "resize", "a\\\"b",	"line\\nbreak", "caf\xc3\xa9",
		"\\u00e9", "",	     "\\u0000", "_other",	"_invalid",
	};
	static const char script[] = "bun\0run\0/srv/tools/resize.ts";
	char request[256];
	struct run run;

	for (size_t i = 0; i < 3 * ARRAY_SIZE(ids); i++) {
		build_run(&run);
		(void)snprintf(request, sizeof(request), "{\"tool_id\":\"%s\",\"timeout_ms\":%zu}",
			       ids[i % ARRAY_SIZE(ids)], i * 100);
		build_request(&run, request);
		build_exit(&run, 10 + i * i, i % 5 == 4 ? EXIT_STATUS(1) : 0);
		append(writer, &run, payload);
	}
	build_run(&run);
	build_args(&run, script, sizeof(script));
	build_request(&run, "{}");
	append(writer, &run, payload);
	build_run(&run);
	strcpy(run.exe, "/usr/bin/node");
	strcpy(run.name, "node");
	append(writer, &run, payload);
	write_call_with_version(writer, payload);
}

static const struct golden goldens[] = {
	{"situations", false, write_situations},
	{"situations-payload", true, write_situations},
	{"tools", false, write_tools},
};

static int make(const char *folder, const struct golden *golden)
{
	_cleanup_recording_writer_ struct recording_writer *writer = NULL;
	_cleanup_buf_ struct buf message = {};
	char path[PATH_MAX_BYTES];

	(void)snprintf(path, sizeof(path), "%s/%s.rec", folder, golden->name);
	(void)unlink(path);
	int r = recording_create(path, golden->payload, &writer, &message);
	if (r < 0) {
		(void)fprintf(stderr, "make_golden: %s\n", buf_cstr(&message));
		return r;
	}
	golden->write(writer, golden->payload);
	return recording_close(writer);
}

int main(int argc, char **argv)
{
	int r = 0;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(goldens) && r == 0; i++)
		r = make(argv[1], &goldens[i]);
	return r < 0;
}
