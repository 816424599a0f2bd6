/* SPDX-License-Identifier: Apache-2.0 */
#include "run/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "run/reports.h"
#include "run/rows.h"
#include "run/version.h"

#define SECRET "hunter2-hunter2"
#define EARLY_NS (BUILD_START_NS - 200000000)

/* Whether the record is classified as before. */
static bool reads_alike(const struct run *before, const struct run *after,
			const struct classify_config *config, uint64_t call_start_ns)
{
	struct report first = {}, second = {};
	bool was_run = run_classify(before, config, call_start_ns, &first);

	if (version_is(before) != version_is(after) ||
	    run_classify(after, config, call_start_ns, &second) != was_run)
		return false;
	return !was_run || reports_equal(&first, &second);
}

/* With each configuration; without payload the next one is made from the record that there was. */
static bool stays(const struct run *run)
{
	const struct classify_config *configs[] = {&track_workers, &track_all};
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		struct run redacted = *run;

		run_redact(&redacted, configs[i]);
		good &= reads_alike(run, &redacted, configs[i], 0);
		good &= reads_alike(run, &redacted, configs[i], EARLY_NS);
	}
	return good;
}

static void every_situation_is_classified_as_before(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(situations); i++) {
		for (uint32_t faults = 0; faults < 2; faults++) {
			struct run run;

			build_run(&run);
			situations[i].arrange(&run);
			run.faults = faults;
			if (!stays(&run))
				fail_msg("row %s", situations[i].row);
		}
	}
}

static const char *const requests[] = {
	"",
	" ",
	"{}",
	"{",
	"null",
	"[1,2]",
	"hello",
	"{\"tool_id\"",
	"{\"tool_id\":",
	"{\"tool_id\":}",
	"{\"tool_id\":1}",
	"{\"tool_id\":\"\"}",
	"{\"tool_id\":\"x",
	"{\"tool_id\":\"x\"",
	"{\"tool_id\":\"x\"}",
	"{\"tool_id\":\"x\"}}",
	"{\"tool_id\":\"x\",",
	"{\"tool_id\":\"x\",\"timeout_ms\":5",
	"{\"tool_id\":\"x\",\"timeout_ms\":5 ",
	"{\"timeout_ms\":5,\"tool_id\":\"x\"",
	"{\"timeout_ms\":5,\"tool_id\"",
	"{\"timeout_ms\":5,\"tool_exec_id\":\"y\",\"tool_id\"",
	"{\"timeout_ms\":5,",
	"{\"timeout_ms\":0005}",
	"{\"timeout_ms\":-5}",
	"{\"timeout_ms\":18446744073709551615}",
	"{\"timeout_ms\":18446744073709551616}",
	"{\"tool_exec_id\":\"y\"}",
	"{\"tool_exec_id\":\"y\"",
	"{\"tool_exec_id\":1}",
	"{\"tool_id\":\"a\\\"b\\\\c\\n\\u0001\x7f\\/d\xc3\xa9\\ud83d\\ude00\"}",
	"{\"tool_id\":\"\\u0000\"}",
	"{\"tool_id\":\"\xff\"}",
	"{\"tool_id\":\"_invalid\"}",
	"{\"tool_id\":\"x\",\"tool_id\":1}",
	"{\"t\\u006fol_id\":\"x\"}",
	BUILD_REQUEST,
	BUILD_REQUEST "\n",
	HALF_REQUEST,
	"hello ... \"timeout_ms\":7}",
};

/* The text, and `pad` bytes before its last: where a request or reply is too long to be seen whole. */
static size_t padded(const char *text, size_t pad, char filler, char *ret)
{
	size_t n = strlen(text), last = n > 20 ? 20 : n;

	memcpy(ret, text, n - last);
	memset(ret + n - last, filler, pad);
	memcpy(ret + n - last + pad, text + n - last, last);
	return n + pad;
}

static void request_is_read_as_before(void **state)
{
	static const size_t pads[] = {0, 1, 60, 200, 256, 320, 1000};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests) * ARRAY_SIZE(pads) * 3; i++) {
		const char *request = requests[i % ARRAY_SIZE(requests)];
		size_t n = padded(request, pads[i / ARRAY_SIZE(requests) % ARRAY_SIZE(pads)],
				  "x {"[i % 3], text);
		struct run run;

		build_run(&run);
		build_request_written(&run, text, n);
		build_request_read(&run, text, n);
		for (uint32_t faults = 0; faults < 2; faults++) {
			run.faults = faults;
			if (!stays(&run))
				fail_msg("%.*s", (int)n, text);
		}
		memset(run.request_peer.head, 0, sizeof(run.request_peer.head));
		if (!stays(&run))
			fail_msg("with a hole: %.*s", (int)n, text);
		run.request_offered_bytes = n + 100;
		memcpy(run.request_offered_tail, "...\"timeout_ms\":77}             ", 32);
		if (!stays(&run))
			fail_msg("unwritten: %.*s", (int)n, text);
	}
}

static void reply_is_judged_as_before(void **state)
{
	static const char *const replies[] = {
		"",
		" \n",
		"x",
		"{}",
		"null",
		"{\"error\":1}",
		"{\"ERROR\":1}",
		"{\"error\":null}",
		"[]",
		BUILD_SUCCESS,
		BUILD_FAILURE,
		"{\"result\":\"" SECRET "\",\"error\":null," BUILD_METADATA,
		"{\"error\":{\"message\":\"" SECRET "\"}}",
		"hello\n" BUILD_SUCCESS,
	};
	static const size_t pads[] = {0, 1, 300, 512, 513, 1000};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(replies) * ARRAY_SIZE(pads) * 2; i++) {
		size_t n =
			padded(replies[i % ARRAY_SIZE(replies)],
			       pads[i / ARRAY_SIZE(replies) % ARRAY_SIZE(pads)], "x "[i % 2], text);
		struct run run;

		build_run(&run);
		build_reply(&run, text, n);
		for (uint32_t faults = 0; faults < 2; faults++) {
			run.faults = faults;
			if (!stays(&run))
				fail_msg("%.*s", (int)n, text);
		}
	}
}

/* A long success has the worker's shape at both ends: nothing that build_reply() made is needed. */
static void long_reply_keeps_its_verdict(void **state)
{
	struct text text = {
		.bytes = 100000,
		.head_bytes = REPLY_HEAD_BYTES,
		.tail_at = REPLY_HEAD_BYTES,
		.tail_bytes = REPLY_TAIL_BYTES,
	};

	(void)state;
	for (enum reply_verdict verdict = REPLY_EMPTY; verdict <= REPLY_CORRUPT; verdict++) {
		redact_reply(verdict, &text);
		assert_int_equal(reply_judge(&text), verdict);
	}
}

static bool holds(const void *bytes, size_t n, const char *text)
{
	return memmem(bytes, n, text, strlen(text)) != NULL;
}

static void nothing_that_was_said_is_left(void **state)
{
	static const char args[] = "/home/" SECRET "/bun\0--define\0" SECRET "\0run\0/srv/" SECRET
				   "/bun_worker.ts\0--token=" SECRET;
	static const char request[] = "{\"tool_id\":\"sum\",\"tool_exec_id\":\"34fQ0b\","
				      "\"input\":{\"password\":\"" SECRET
				      "\"},\"env\":{\"A\":\"" SECRET "\"},\"timeout_ms\":1000}";
	static const char reply[] = "{\"result\":\"" SECRET "\",\"error\":null," BUILD_METADATA;
	struct run run;

	(void)state;
	build_run(&run);
	build_args(&run, args, sizeof(args));
	build_request(&run, request);
	build_reply(&run, reply, sizeof(reply) - 1);
	run.stdio[STDIO_OUT].key = (struct inode_key){0xffff888012345678, 77};
	for (uint32_t faults = 0; faults < 2; faults++) {
		struct run redacted = run;

		redacted.faults = faults;
		assert_true(holds(&redacted, sizeof(redacted), SECRET));
		run_redact(&redacted, &track_workers);
		assert_false(holds(&redacted, sizeof(redacted), SECRET));
		assert_true(holds(&redacted, sizeof(redacted), "\"sum\""));
		assert_true(holds(&redacted, sizeof(redacted), "\"34fQ0b\""));
		assert_int_equal(redacted.stdio[STDIO_OUT].key.address, 0);
		assert_string_equal(redacted.exe, run.exe);
	}
}

struct line {
	const char *args;
	size_t n;
	const char *reduced;
	size_t reduced_n;
};

#define LINE(from, to)                                                                             \
	{                                                                                          \
		from, sizeof(from), to, sizeof(to)                                                 \
	}

static void command_line_is_reduced_to_the_script(void **state)
{
	static const struct line lines[] = {
		LINE("/opt/bun\0run\0--allow-read\0/app/.compozy/bun_worker.ts",
		     "bun\0bun_worker.ts"),
		LINE("bun\0--title\0x\0tool", "bun\0tool"),
		LINE("bun\0-e\0console.log(1)", "bun"),
		LINE("bun\0run\0run", "bun\0./run"),
		LINE("bun\0./-x", "bun\0./-x"),
		LINE("bun\0/srv/x.js\0--token=1", "bun\0x.js"),
		LINE("bun\0--cwd\0/srv/bun_worker.ts\0/srv/x.js",
		     "bun\0--title\0/srv/bun_worker.ts\0x.js"),
		LINE("bun\0x.js\0bun_worker.ts", "bun\0--title\0bun_worker.ts\0x.js"),
		LINE("bun", "bun"),
		LINE("", ""),
		LINE("/opt/bun\0--version", "/opt/bun\0--version"),
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		build_run(&run);
		build_args(&run, lines[i].args, lines[i].n);
		assert_true(stays(&run));
		run_redact(&run, &track_workers);
		if (run.args_bytes != lines[i].reduced_n ||
		    memcmp(run.args, lines[i].reduced, lines[i].reduced_n) != 0)
			fail_msg("line %zu: %.*s", i, (int)run.args_bytes, (char *)run.args);
	}
}

/* A pattern with a directory needs the path that it matched; one that names nothing needs nothing. */
static void workers_pattern_keeps_what_it_matches(void **state)
{
	static const char *const globs[] = {"/app/*/bun_worker.ts"};
	const struct classify_config config = {.workers = globs, .workers_count = 1};
	static const char kept[] = "bun\0/app/.compozy/bun_worker.ts";
	struct run run, redacted;

	(void)state;
	build_run(&run);
	redacted = run;
	run_redact(&redacted, &config);
	assert_int_equal(redacted.args_bytes, sizeof(kept));
	assert_memory_equal(redacted.args, kept, sizeof(kept));
	assert_true(reads_alike(&run, &redacted, &config, 0));
}

static void cut_command_line_is_read_as_before(void **state)
{
	struct run run;

	(void)state;
	for (uint32_t n = 0; n <= ARGS_BYTES; n++) {
		build_run(&run);
		run.args_bytes = n;
		assert_true(stays(&run));
		run.flags |= RUN_ARGS_TRUNCATED;
		assert_true(stays(&run));
	}
	memset(run.args, 'a', sizeof(run.args));
	run.args_bytes = ARGS_BYTES;
	assert_true(stays(&run));
	run.flags = RUN_CONFIRMED;
	assert_true(stays(&run));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_situation_is_classified_as_before),
		cmocka_unit_test(request_is_read_as_before),
		cmocka_unit_test(reply_is_judged_as_before),
		cmocka_unit_test(long_reply_keeps_its_verdict),
		cmocka_unit_test(nothing_that_was_said_is_left),
		cmocka_unit_test(command_line_is_reduced_to_the_script),
		cmocka_unit_test(workers_pattern_keeps_what_it_matches),
		cmocka_unit_test(cut_command_line_is_read_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
