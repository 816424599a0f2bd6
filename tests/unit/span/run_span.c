/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "run/builder.h"
#include "run/classify.h"
#include "span/run_span.h"

static const char *const workers[] = {"*/bun_worker.ts"};
static const struct classify_config config = {.workers = workers, .workers_count = 1};

/* `key=value` a line, then `@ms event key=value…` with times after the fork. */
static void print_attribute(struct buf *out, const struct span *span, const struct attribute *a)
{
	const char *string = span_text(span, a);

	buf_printf(out, "%s=", a->key);
	if (a->type == ATTRIBUTE_INT)
		buf_printf(out, "%lld", (long long)a->number);
	else if (a->type == ATTRIBUTE_DOUBLE)
		buf_printf(out, "%g", a->real);
	else
		for (int i = 0; i < a->strings; i++, string += strlen(string) + 1)
			buf_printf(out, "%s'%s'", i ? "," : "", string);
}

static void print_span(struct buf *out, const struct span *span)
{
	buf_printf(out, "%s %llu ms status %d '%s'\n", span->name,
		   (unsigned long long)(span->end_ns - span->start_ns) / 1000000, span->status,
		   span->status_message);
	for (size_t i = 0; i < span->attributes_count; i++) {
		print_attribute(out, span, &span->attributes[i]);
		buf_append_char(out, '\n');
	}
	for (size_t i = 0; i < span->events_count; i++) {
		const struct span_event *event = &span->events[i];

		buf_printf(out, "@%llu %s",
			   (unsigned long long)(event->ns - span->start_ns) / 1000000, event->name);
		for (size_t j = 0; j < event->attributes_count; j++) {
			buf_append_char(out, ' ');
			print_attribute(out, span, &event->attributes[j]);
		}
		buf_append_char(out, '\n');
	}
}

static void assert_span(const struct run *run, const char *bun_version, const char *expected)
{
	_cleanup_buf_ struct buf out = {};
	struct run_detail detail;
	struct report report;
	struct span *span = malloc(sizeof(*span));

	assert_non_null(span);
	memset(span, 0xff, sizeof(*span));
	assert_true(run_classify(run, &config, 0, &report));
	run_detail_read(run, &detail);
	strcpy(detail.bun_version, bun_version);
	run_span_build(&report, &detail, span);
	print_span(&out, span);
	assert_string_equal(buf_cstr(&out), expected);
	free(span);
}

static void a_success_has_every_attribute_and_event(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.exec_ns = build_ns(2);
	run.cpu_ns = 20000000;
	run.main_cpu_ns = 15000000;
	run.main_runqueue_ns = 1000000;
	run.max_rss_bytes = 33000000;
	run.major_faults = 7;
	assert_span(&run, "1.4.5",
		    "runtime.execute_tool 500 ms status 0 ''\n"
		    "tool_id='sum'\n"
		    "tool_exec_id='34fQ0bZk1xYvT7mN2cR8sL5pWdA'\n"
		    "timeout_ms=1000\n"
		    "bun_version='1.4.5'\n"
		    "permissions='--allow-read'\n"
		    "process.pid=4711\n"
		    "process.parent_pid=100\n"
		    "exit_code=0\n"
		    "process.exit.code=0\n"
		    "output_bytes=118\n"
		    "cpu_seconds=0.02\n"
		    "runqueue_seconds=0.001\n"
		    "wait_seconds=0.484\n"
		    "major_faults=7\n"
		    "max_rss_bytes=33000000\n"
		    "@2 exec\n"
		    "@20 first_read\n"
		    "@400 first_byte\n"
		    "@500 exit\n"
		    "@500 eof\n");
}

static void a_killed_run_says_by_whom(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	run.reply_peer = run.reply_self = (struct reply_text){};
	memset(&run.stdio[STDIO_OUT].self, 0, sizeof(struct flow));
	memset(&run.stdio[STDIO_OUT].peer, 0, sizeof(struct flow));
	run.args_bytes = 0;
	build_signal(&run, 1000, 9, BUILD_SERVER, 0);
	assert_span(
		&run, "",
		"runtime.execute_tool 1001 ms status 2 'the server ended it before it was done'\n"
		"tool_id='sum'\n"
		"tool_exec_id='34fQ0bZk1xYvT7mN2cR8sL5pWdA'\n"
		"timeout_ms=1000\n"
		"permissions=\n"
		"process.pid=4711\n"
		"process.parent_pid=100\n"
		"signal='SIGKILL'\n"
		"output_bytes=0\n"
		"cpu_seconds=0\n"
		"runqueue_seconds=0\n"
		"wait_seconds=1.001\n"
		"major_faults=0\n"
		"max_rss_bytes=0\n"
		"error_kind='timeout'\n"
		"error.type='timeout'\n"
		"@0 exec\n"
		"@20 first_read\n"
		"@1000 signal signal='SIGKILL' sender='server'\n"
		"@1001 exit\n"
		"@1001 eof\n");
}

static void one_that_never_ran_has_no_end(void **state)
{
	struct run run;

	(void)state;
	build_run(&run);
	memset(run.stdio, 0, sizeof(run.stdio));
	run.flags = 0;
	run.exec_error = -7;
	assert_span(&run, "",
		    "runtime.execute_tool 500 ms status 2 'Bun could not be started'\n"
		    "tool_id='unknown'\n"
		    "permissions='--allow-read'\n"
		    "process.pid=4711\n"
		    "process.parent_pid=100\n"
		    "error_kind='start'\n"
		    "error.type='start'\n");
}

/* ---- what the record says of it ---- */

static void permissions_are_options_that_name_them(void **state)
{
	static const char args[] = "bun\0--smol\0run\0--allow-read\0--allow-net=example.org:443\0"
				   "--deny-env\0--allow-\xff\0/app/bun_worker.ts\0--allow-cut";
	struct run_detail detail;
	struct run run;

	(void)state;
	build_run(&run);
	build_args(&run, args, sizeof(args) - 1); /* the last one's NUL is missing: cut off */
	run_detail_read(&run, &detail);
	assert_int_equal(detail.permissions_count, 3);
	assert_memory_equal(detail.permissions,
			    "--allow-read\0--allow-net=example.org:443\0--deny-env", 51);
}

static void ask_version(struct run *run, const char *answer, int exit_code)
{
	static const char args[] = "bun\0--version";

	build_run(run);
	build_args(run, args, sizeof(args));
	build_reply(run, answer, strlen(answer));
	build_exit(run, 10, exit_code);
}

static void assert_version(const struct bun_versions *versions, const struct run *run,
			   const char *expected)
{
	char version[BUN_VERSION_BYTES + 1];

	bun_versions_find(versions, run, version);
	assert_string_equal(version, expected);
}

static void versions_are_learned_from_answers(void **state)
{
	struct bun_versions versions = {};
	struct run probe, run, other;

	(void)state;
	build_run(&run);
	build_run(&other);
	other.cgroup_id++;
	assert_version(&versions, &run, "");

	ask_version(&probe, "1.4.5\n", 0);
	bun_versions_learn(&versions, &probe);
	assert_version(&versions, &run, "1.4.5");
	assert_version(&versions, &other, "");

	ask_version(&probe, "1.5.0-canary.1+abc", 0);
	bun_versions_learn(&versions, &probe);
	assert_version(&versions, &run, "1.5.0-canary.1+abc");
}

static void other_answers_teach_nothing(void **state)
{
	struct bun_versions versions = {};
	struct run probe;

	(void)state;
	ask_version(&probe, "1.4.5\n", 1 << 8);
	bun_versions_learn(&versions, &probe);
	ask_version(&probe, "1.4.5 and more\n", 0);
	bun_versions_learn(&versions, &probe);
	ask_version(&probe, "", 0);
	bun_versions_learn(&versions, &probe);
	ask_version(&probe, "123456789012345678901234567890123\n", 0);
	bun_versions_learn(&versions, &probe);
	build_run(&probe);
	bun_versions_learn(&versions, &probe);
	assert_version(&versions, &probe, "");
}

/* ---- what a span can hold ---- */

static void a_full_span_counts_what_it_leaves_out(void **state)
{
	struct span *span = calloc(1, sizeof(*span));
	char text[2000];

	(void)state;
	assert_non_null(span);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	span_begin(span, "x", 1, 2);
	span_add_string(span, "fits", text);
	span_add_string(span, "does_not", text);
	assert_int_equal(span->attributes_count, 1);
	assert_int_equal(span->dropped_attributes, 1);
	for (int i = 0; i < SPAN_ATTRIBUTES_MAX; i++)
		span_add_int(span, "n", 1);
	assert_int_equal(span->attributes_count, SPAN_ATTRIBUTES_MAX);
	assert_int_equal(span->dropped_attributes, 2);
	for (uint64_t i = 0; i < SPAN_EVENTS_MAX + 3; i++)
		span_event_int(span_add_event(span, "e", i + 1), "i", i);
	assert_int_equal(span->events_count, SPAN_EVENTS_MAX);
	assert_int_equal(span->dropped_events, 3);
	free(span);
}

static void events_are_in_order_and_texts_utf8(void **state)
{
	struct span *span = calloc(1, sizeof(*span));

	(void)state;
	assert_non_null(span);
	span_begin(span, "x", 1, 9);
	(void)span_add_event(span, "third", 7);
	(void)span_add_event(span, "first", 3);
	(void)span_add_event(span, "second", 5);
	assert_null(span_add_event(span, "never", 0));
	assert_string_equal(span->events[0].name, "first");
	assert_string_equal(span->events[1].name, "second");
	assert_string_equal(span->events[2].name, "third");
	span_add_string(span, "bad", "\xc3(");
	assert_string_equal(span_text(span, span_find(span, "bad")), SPAN_VALUE_INVALID);
	assert_null(span_find(span, "other"));
	free(span);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_success_has_every_attribute_and_event),
		cmocka_unit_test(a_killed_run_says_by_whom),
		cmocka_unit_test(one_that_never_ran_has_no_end),
		cmocka_unit_test(permissions_are_options_that_name_them),
		cmocka_unit_test(versions_are_learned_from_answers),
		cmocka_unit_test(other_answers_teach_nothing),
		cmocka_unit_test(a_full_span_counts_what_it_leaves_out),
		cmocka_unit_test(events_are_in_order_and_texts_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
