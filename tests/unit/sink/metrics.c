/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/metrics.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define MS 1000000ull
#define KIND(name) (1u << ERROR_KIND_##name)

/* Of http_exec_*: three kinds; a histogram's lines for each outcome: 16 buckets, +Inf, sum and count. */
#define EXEC_LINES (3 + 3 * 3 * 19 + 3)

static struct metrics *make(const char *prefix, unsigned max_label_values)
{
	struct metrics *metrics = NULL;

	assert_int_equal(metrics_new(prefix, max_label_values, 0, &metrics), 0);
	return metrics;
}

/* A run of `sum` that succeeded, with a number of its own in each field. */
static struct report report_make(void)
{
	return (struct report){
		.pid = 4711,
		.tool_id = "sum",
		.outcome = OUTCOME_SUCCESS,
		.exited = true,
		.has_output = true,
		.has_startup = true,
		.latency_ns = 500 * MS,
		.startup_ns = 20 * MS,
		.cpu_ns = 300 * MS,
		.main_cpu_ns = 200 * MS,
		.main_runqueue_ns = 30 * MS,
		.main_wait_ns = 40 * MS,
		.max_rss_bytes = 33000000,
		.input_bytes = 150,
		.output_bytes = 120,
		.stderr_bytes = 7,
	};
}

static void write_samples(struct metrics *metrics, struct buf *out)
{
	buf_clear(out);
	buf_append_char(out, '\n');
	registry_write(metrics_registry(metrics), METRIC_FORMAT_TEXT, out);
	assert_int_equal(buf_error(out), 0);
}

/* A sample that moved; of a histogram its sum and count, the buckets have tests of their own. */
static bool has_moved(const char *line, struct buf *before)
{
	_cleanup_buf_ struct buf whole = {};
	size_t n = strlen(line);

	if (line[0] == '#' || strstr(line, "_bucket{") || strcmp(line + n - 2, " 0") == 0)
		return false;
	buf_printf(&whole, "\n%s\n", line);
	return strstr(buf_cstr(before), buf_cstr(&whole)) == NULL;
}

/* The lines that are not as they were, 0 left out. */
static void assert_moved_since(struct buf *before, struct metrics *metrics, const char *expected)
{
	_cleanup_buf_ struct buf after = {};
	_cleanup_buf_ struct buf moved = {};
	char *rest = NULL;

	write_samples(metrics, &after);
	(void)buf_cstr(&after);
	for (char *line = strtok_r(after.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (has_moved(line, before))
			buf_printf(&moved, "%s\n", line);
	}
	assert_string_equal(buf_cstr(&moved), expected);
}

static void assert_run_moves(struct metrics *metrics, const struct report *report,
			     const char *expected)
{
	_cleanup_buf_ struct buf before = {};

	write_samples(metrics, &before);
	metrics_run(metrics, report);
	assert_moved_since(&before, metrics, expected);
}

static void assert_first_run_moves(const struct report *report, const char *expected)
{
	struct metrics *metrics = make("", 10);

	assert_run_moves(metrics, report, expected);
	metrics_free(&metrics);
}

#define LATENCY(outcome)                                                                           \
	"runtime_tool_execute_seconds_sum{tool_id=\"sum\",outcome=\"" outcome "\"} 0.5\n"          \
	"runtime_tool_execute_seconds_count{tool_id=\"sum\",outcome=\"" outcome "\"} 1\n"
#define ERROR(kind) "runtime_tool_errors_total{tool_id=\"sum\",error_kind=\"" kind "\"} 1\n"
#define EXIT(status, code, signal)                                                                 \
	"runtime_bun_process_exits_total{status=\"" status "\",code=\"" code "\",signal=\"" signal \
	"\"} 1\n"
#define OUTPUT                                                                                     \
	"runtime_tool_output_bytes_sum{tool_id=\"sum\"} 120\n"                                     \
	"runtime_tool_output_bytes_count{tool_id=\"sum\"} 1\n"
#define STARTUP                                                                                    \
	"runtime_tool_startup_seconds_sum{tool_id=\"sum\"} 0.02\n"                                 \
	"runtime_tool_startup_seconds_count{tool_id=\"sum\"} 1\n"
#define RESOURCES                                                                                  \
	"runtime_tool_cpu_seconds_sum{tool_id=\"sum\"} 0.3\n"                                      \
	"runtime_tool_cpu_seconds_count{tool_id=\"sum\"} 1\n"                                      \
	"runtime_tool_main_thread_seconds_total{tool_id=\"sum\",state=\"cpu\"} 0.2\n"              \
	"runtime_tool_main_thread_seconds_total{tool_id=\"sum\",state=\"runqueue\"} 0.03\n"        \
	"runtime_tool_main_thread_seconds_total{tool_id=\"sum\",state=\"wait\"} 0.04\n"            \
	"runtime_tool_max_rss_bytes_sum{tool_id=\"sum\"} 33000000\n"                               \
	"runtime_tool_max_rss_bytes_count{tool_id=\"sum\"} 1\n"                                    \
	"runtime_tool_input_bytes_sum{tool_id=\"sum\"} 150\n"                                      \
	"runtime_tool_input_bytes_count{tool_id=\"sum\"} 1\n"                                      \
	"runtime_tool_stderr_bytes_sum{tool_id=\"sum\"} 7\n"                                       \
	"runtime_tool_stderr_bytes_count{tool_id=\"sum\"} 1\n"
#define SIGNAL(signal, sender)                                                                     \
	"runtime_bun_signals_total{signal=\"" signal "\",sender=\"" sender "\"} 1\n"

static void success_has_no_error(void **state)
{
	struct report report = report_make();

	(void)state;
	assert_first_run_moves(&report,
			       LATENCY("success") EXIT("exit", "0", "") OUTPUT STARTUP RESOURCES);
}

static void error_counts_each_of_its_kinds(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_ERROR;
	report.error_kinds = KIND(STDERR) | KIND(WAIT);
	report.status = 255;
	assert_first_run_moves(&report, LATENCY("error") ERROR("stderr") ERROR("wait")
						EXIT("exit", "255", "") OUTPUT STARTUP RESOURCES);
}

static void stderr_counts_beside_a_success(void **state)
{
	struct report report = report_make();

	(void)state;
	report.error_kinds = KIND(STDERR);
	assert_first_run_moves(&report, LATENCY("success") ERROR("stderr") EXIT("exit", "0", "")
						OUTPUT STARTUP RESOURCES);
}

#define TIMEOUTS "runtime_tool_timeouts_total{tool_id=\"sum\"} 1\n"

static void timeout_counts_as_error_and_as_timeout(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_TIMEOUT;
	report.error_kinds = KIND(TIMEOUT);
	report.timed_out = true;
	report.signal = SIGKILL;
	report.sender = SENDER_SERVER;
	assert_first_run_moves(
		&report,
		LATENCY("timeout") ERROR("timeout") TIMEOUTS EXIT("signal", "137", "SIGKILL")
			OUTPUT STARTUP RESOURCES SIGNAL("SIGKILL", "server"));
}

static void cancelled_run_is_no_timeout(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_ERROR;
	report.error_kinds = KIND(TIMEOUT);
	report.signal = SIGKILL;
	report.sender = SENDER_SERVER;
	assert_first_run_moves(&report,
			       LATENCY("error") ERROR("timeout") EXIT("signal", "137", "SIGKILL")
				       OUTPUT STARTUP RESOURCES SIGNAL("SIGKILL", "server"));
}

static void signal_exit_names_signal_and_sender(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_ERROR;
	report.error_kinds = KIND(WAIT);
	report.signal = SIGSEGV;
	report.core_dumped = true;
	report.sender = SENDER_KERNEL;
	assert_first_run_moves(&report,
			       LATENCY("error") ERROR("wait") EXIT("signal", "139", "SIGSEGV")
				       OUTPUT STARTUP RESOURCES SIGNAL("SIGSEGV", "kernel"));
}

/* No exit, and nothing that only a process could have used. */
static void run_that_failed_to_start_has_only_its_outcome(void **state)
{
	struct report report = report_make();

	(void)state;
	report.outcome = OUTCOME_ERROR;
	report.error_kinds = KIND(START);
	report.exited = false;
	assert_first_run_moves(&report, LATENCY("error") ERROR("start"));
}

static void output_that_did_not_end_is_no_sample(void **state)
{
	struct report report = report_make();

	(void)state;
	report.has_output = false;
	assert_first_run_moves(&report, LATENCY("success") EXIT("exit", "0", "") STARTUP RESOURCES);
}

static void startup_that_was_not_seen_is_no_sample(void **state)
{
	struct report report = report_make();

	(void)state;
	report.has_startup = false;
	assert_first_run_moves(&report, LATENCY("success") EXIT("exit", "0", "") OUTPUT RESOURCES);
}

static void second_run_adds_to_the_first(void **state)
{
	struct metrics *metrics = make("", 10);
	struct report report = report_make();

	(void)state;
	metrics_run(metrics, &report);
	report.exited = false;
	report.error_kinds = KIND(START);
	report.latency_ns = 4500 * MS;
	assert_run_moves(metrics, &report,
			 "runtime_tool_execute_seconds_sum{tool_id=\"sum\",outcome=\"success\"} 5\n"
			 "runtime_tool_execute_seconds_count{tool_id=\"sum\",outcome=\"success\"} "
			 "2\n" ERROR("start"));
	metrics_free(&metrics);
}

/* How often it stands in the text of a scrape. */
static unsigned times_in(struct metrics *metrics, const char *text)
{
	_cleanup_buf_ struct buf out = {};
	unsigned n = 0;

	write_samples(metrics, &out);
	for (const char *p = buf_cstr(&out); (p = strstr(p, text)); p++)
		n++;
	return n;
}

#define LATENCY_COUNT(outcome)                                                                     \
	"\nruntime_tool_execute_seconds_count{tool_id=\"sum\",outcome=\"" outcome "\"} 0\n"
#define ERRORS_AT_0(kind) "\nruntime_tool_errors_total{tool_id=\"sum\",error_kind=\"" kind "\"} 0\n"
#define STATE_AT_0(state)                                                                          \
	"\nruntime_tool_main_thread_seconds_total{tool_id=\"sum\",state=\"" state "\"} 0\n"

static void closed_sets_are_there_at_0_from_first_sight(void **state)
{
	static const char *const lines[] = {
		LATENCY_COUNT("success"),
		LATENCY_COUNT("error"),
		LATENCY_COUNT("timeout"),
		ERRORS_AT_0("start"),
		ERRORS_AT_0("stdin"),
		ERRORS_AT_0("stdout"),
		ERRORS_AT_0("stderr"),
		ERRORS_AT_0("wait"),
		ERRORS_AT_0("parse"),
		ERRORS_AT_0("timeout"),
		"\nruntime_tool_timeouts_total{tool_id=\"sum\"} 0\n",
		"\nruntime_tool_runs_in_flight{tool_id=\"sum\"} 0\n",
		STATE_AT_0("cpu"),
		STATE_AT_0("runqueue"),
		STATE_AT_0("wait"),
	};
	/* A histogram's line for each bucket, +Inf, sum and count; the oldest run and SIGKILL have no tool. */
	const size_t all = 3 * 15 + 7 + 1 + 1 + 3 + 1 + SENDER_COUNT + EXEC_LINES;
	struct metrics *metrics = make("", 10);

	(void)state;
	assert_non_null(metrics_tool(metrics, "sum", OWNER_UNKNOWN));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (times_in(metrics, lines[i]) != 1)
			fail_msg("%s", lines[i]);
	}
	assert_int_equal(registry_lines(metrics_registry(metrics)), all);
	assert_non_null(metrics_tool(metrics, "sum", OWNER_UNKNOWN));
	assert_int_equal(registry_lines(metrics_registry(metrics)), all);
	metrics_free(&metrics);
}

static void tool_of_a_run_has_them_as_well(void **state)
{
	struct metrics *metrics = make("", 10);
	struct report report = report_make();

	(void)state;
	metrics_run(metrics, &report);
	assert_int_equal(times_in(metrics, LATENCY_COUNT("timeout")), 1);
	assert_int_equal(times_in(metrics, ERRORS_AT_0("parse")), 1);
	metrics_free(&metrics);
}

static void without_a_run_what_alerts_wait_for_is_there(void **state)
{
	_cleanup_buf_ struct buf before = {};
	struct metrics *metrics = make("", 10);

	(void)state;
	assert_int_equal(registry_lines(metrics_registry(metrics)), 1 + SENDER_COUNT + EXEC_LINES);
	assert_int_equal(
		times_in(metrics,
			 "\nruntime_bun_signals_total{signal=\"SIGKILL\",sender=\"oom\"} 0\n"),
		1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_oldest_run_seconds 0\n"), 1);
	write_samples(metrics, &before);
	metrics_oldest(metrics, 1500 * MS);
	assert_moved_since(&before, metrics, "runtime_tool_oldest_run_seconds 1.5\n");
	metrics_free(&metrics);
}

static void in_flight_is_counted_anew_after_a_reset(void **state)
{
	_cleanup_buf_ struct buf before = {};
	struct metrics *metrics = make("", 10);
	struct tool *sum = metrics_tool(metrics, "sum", OWNER_UNKNOWN);
	struct tool *other = metrics_tool(metrics, "other", OWNER_UNKNOWN);

	(void)state;
	write_samples(metrics, &before);
	metrics_in_flight(metrics, sum);
	metrics_in_flight(metrics, other);
	metrics_in_flight(metrics, sum);
	assert_moved_since(&before, metrics,
			   "runtime_tool_runs_in_flight{tool_id=\"sum\"} 2\n"
			   "runtime_tool_runs_in_flight{tool_id=\"other\"} 1\n");
	metrics_in_flight_reset(metrics);
	assert_moved_since(&before, metrics, "");
	metrics_in_flight(metrics, other);
	assert_moved_since(&before, metrics, "runtime_tool_runs_in_flight{tool_id=\"other\"} 1\n");
	metrics_free(&metrics);
}

static void prefix_goes_before_what_is_not_the_agents_own(void **state)
{
	struct metrics *metrics = make("compozy_", 10);
	struct report report = report_make();

	(void)state;
	metrics_run(metrics, &report);
	assert_int_equal(times_in(metrics, "\ncompozy_" EXIT("exit", "0", "")), 1);
	assert_int_equal(times_in(metrics, "\nruntime_"), 0);
	assert_int_equal(times_in(metrics, "\n# TYPE bunscope_up gauge\n"), 1);
	assert_int_equal(times_in(metrics, "compozy_bunscope"), 0);
	assert_int_equal(times_in(metrics, "compozy_process"), 0);
	metrics_free(&metrics);
}

static void bad_prefix_is_refused(void **state)
{
	struct metrics *metrics = NULL;

	(void)state;
	assert_int_equal(metrics_new("1", 10, 0, &metrics), -EINVAL);
	assert_null(metrics);
	metrics_free(&metrics);
}

static struct report report_of(const char *tool_id)
{
	struct report report = report_make();

	(void)snprintf(report.tool_id, sizeof(report.tool_id), "%s", tool_id);
	return report;
}

static void tool_beyond_the_limit_is_other_and_counted_once_a_run(void **state)
{
	static const char *const tools[] = {"a", "b", "c", "a", "c", "_other", "d"};
	static const uint64_t overflows[] = {0, 0, 1, 1, 2, 2, 3};
	struct metrics *metrics = make("", 2);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct report report = report_of(tools[i]);

		report.error_kinds = KIND(STDERR) | KIND(WAIT);
		metrics_run(metrics, &report);
		assert_int_equal(registry_overflows(metrics_registry(metrics), "tool_id"),
				 overflows[i]);
	}
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"a\"} 2\n"),
			 1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"b\"} 1\n"),
			 1);
	assert_int_equal(
		times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"_other\"} 4\n"), 1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{"), 3);
	metrics_free(&metrics);
}

/* Someone who looks while a run has no request yet takes no tool's place. */
static void tool_not_known_yet_takes_no_label(void **state)
{
	struct metrics *metrics = make("", 1);
	struct report report = report_of("a");

	(void)state;
	metrics_in_flight(metrics, metrics_tool(metrics, TOOL_ID_UNKNOWN, OWNER_UNKNOWN));
	metrics_run(metrics, &report);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"a\"} 1\n"),
			 1);
	assert_int_equal(registry_overflows(metrics_registry(metrics), "tool_id"), 0);
	metrics_free(&metrics);
}

/* It is counted when it ends, once, however often it is looked at before. */
static void run_in_flight_does_not_count_as_turned_away(void **state)
{
	struct metrics *metrics = make("", 1);
	struct tool *other;

	(void)state;
	(void)metrics_tool(metrics, "a", OWNER_UNKNOWN);
	other = metrics_tool(metrics, "b", OWNER_UNKNOWN);
	metrics_in_flight(metrics, other);
	metrics_in_flight(metrics, other);
	assert_int_equal(registry_overflows(metrics_registry(metrics), "tool_id"), 0);
	assert_int_equal(times_in(metrics, "\nruntime_tool_runs_in_flight{tool_id=\"_other\"} 2\n"),
			 1);
	metrics_free(&metrics);
}

static const struct identity web = {.namespace = "shop", .pod = "web-0", .container = "server"};
static const struct identity batch = {.namespace = "jobs", .pod = "batch-1", .container = "main"};
static const struct identity nobody;

static struct report report_of_owner(struct metrics *metrics, const char *tool,
				     const struct identity *identity)
{
	struct report report = report_of(tool);

	report.owner = metrics_owner(metrics, identity);
	return report;
}

#define ALL_OWNER_LABELS (1u << OWNER_NAMESPACE | 1u << OWNER_POD | 1u << OWNER_CONTAINER)

static void runs_of_owners_are_counted_apart(void **state)
{
	struct metrics *metrics = NULL;

	(void)state;
	assert_int_equal(metrics_new("", 10, ALL_OWNER_LABELS, &metrics), 0);
	struct report first = report_of_owner(metrics, "sum", &web);
	struct report second = report_of_owner(metrics, "sum", &batch);
	struct report third = report_of_owner(metrics, "sum", &nobody);
	second.signal = SIGKILL;
	metrics_run(metrics, &first);
	metrics_run(metrics, &first);
	metrics_run(metrics, &second);
	metrics_run(metrics, &third);
#define WEB "namespace=\"shop\",pod=\"web-0\",container=\"server\"} "
#define BATCH "namespace=\"jobs\",pod=\"batch-1\",container=\"main\"} "
#define NOBODY "namespace=\"unknown\",pod=\"unknown\",container=\"unknown\"} "
	static const char *const lines[] = {
		"\nruntime_tool_cpu_seconds_count{tool_id=\"sum\"," WEB "2\n",
		"\nruntime_tool_cpu_seconds_count{tool_id=\"sum\"," BATCH "1\n",
		"\nruntime_tool_cpu_seconds_count{tool_id=\"sum\"," NOBODY "1\n",
		"\nruntime_tool_execute_seconds_count{tool_id=\"sum\",outcome=\"success\"," WEB
		"2\n",
		"\nruntime_tool_timeouts_total{tool_id=\"sum\"," BATCH "0\n",
		"\nruntime_bun_process_exits_total{status=\"exit\",code=\"0\",signal=\"\"," WEB
		"2\n",
		"\nruntime_bun_process_exits_total{status=\"exit\",code=\"0\",signal=\"\"," NOBODY
		"1\n",
		"\nruntime_bun_process_exits_total{status=\"signal\",code=\"137\",signal="
		"\"SIGKILL\"," BATCH "1\n",
		"\nruntime_bun_signals_total{signal=\"SIGKILL\",sender=\"server\"," BATCH "1\n",
		"\nruntime_bun_signals_total{signal=\"SIGKILL\",sender=\"oom\"," WEB "0\n",
		"\nruntime_tool_oldest_run_seconds 0\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (times_in(metrics, lines[i]) != 1)
			fail_msg("%s", lines[i]);
	}
	metrics_free(&metrics);
}

static void labels_that_were_not_asked_for_are_not_there(void **state)
{
	struct metrics *metrics = NULL;
	struct identity other_container = web;

	(void)state;
	strcpy(other_container.container, "sidecar");
	assert_int_equal(metrics_new("", 10, 1u << OWNER_POD, &metrics), 0);
	assert_int_equal(metrics_owner(metrics, &web), metrics_owner(metrics, &other_container));
	struct report report = report_of_owner(metrics, "sum", &web);
	metrics_run(metrics, &report);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"sum\",pod="
					   "\"web-0\"} 1\n"),
			 1);
	metrics_free(&metrics);
}

static void owners_beyond_the_limit_are_one(void **state)
{
	struct metrics *metrics = NULL;

	(void)state;
	assert_int_equal(metrics_new("", 1, 1u << OWNER_POD, &metrics), 0);
	struct report known = report_of_owner(metrics, "sum", &web);
	struct report turned_away = report_of_owner(metrics, "sum", &batch);
	metrics_run(metrics, &known);
	metrics_run(metrics, &turned_away);
	metrics_run(metrics, &turned_away);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"sum\",pod="
					   "\"web-0\"} 1\n"),
			 1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"sum\",pod="
					   "\"_other\"} 2\n"),
			 1);
	assert_int_equal(metrics_owner_overflows(metrics), 1);
	metrics_free(&metrics);
}

/* A tool in each of many pods: the table is bounded, and who is turned away is counted with the others. */
static void tools_of_owners_are_bounded(void **state)
{
	struct metrics *metrics = NULL;
	char tool[] = "a";

	(void)state;
	assert_int_equal(metrics_new("", 5, 1u << OWNER_POD, &metrics), 0);
	struct identity pod = web;
	for (int i = 0; i < 25; i++) {
		tool[0] = (char)('a' + i % 5);
		(void)snprintf(pod.pod, sizeof(pod.pod), "web-%d", i / 5);
		struct report report = report_of_owner(metrics, tool, &pod);
		metrics_run(metrics, &report);
	}
	/* Four for each of five values, and the fifth's under _other. */
	assert_int_equal(metrics_owner_overflows(metrics), 5);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"e\",pod="
					   "\"_other\"} 1\n"),
			 1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"e\",pod="
					   "\"web-3\"} 1\n"),
			 1);
	metrics_free(&metrics);
}

static void runs_in_flight_are_their_owners(void **state)
{
	struct metrics *metrics = NULL;

	(void)state;
	assert_int_equal(metrics_new("", 10, 1u << OWNER_NAMESPACE, &metrics), 0);
	metrics_in_flight(metrics, metrics_tool(metrics, "sum", metrics_owner(metrics, &web)));
	metrics_in_flight(metrics, metrics_tool(metrics, "sum", metrics_owner(metrics, &nobody)));
	assert_int_equal(times_in(metrics,
				  "\nruntime_tool_runs_in_flight{tool_id=\"sum\",namespace="
				  "\"shop\"} 1\n"),
			 1);
	assert_int_equal(times_in(metrics,
				  "\nruntime_tool_runs_in_flight{tool_id=\"sum\",namespace="
				  "\"unknown\"} 1\n"),
			 1);
	metrics_free(&metrics);
}

/* What is in flight is a tool's, and will be counted: under the same label, whoever else comes meanwhile. */
static void tool_in_flight_keeps_its_label_until_it_ends(void **state)
{
	struct metrics *metrics = make("", 1);
	struct report later = report_of("b"), first = report_of("a");

	(void)state;
	assert_non_null(metrics_tool(metrics, "a", OWNER_UNKNOWN));
	metrics_run(metrics, &later);
	metrics_run(metrics, &first);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"a\"} 1\n"),
			 1);
	assert_int_equal(
		times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"_other\"} 1\n"), 1);
	metrics_free(&metrics);
}

/* Half a million tools: as many series as after the first thousand. */
static void tools_without_end_make_no_more_series(void **state)
{
	enum { LIMIT = 100, FIRST = 1000, ALL = 500000 };
	struct metrics *metrics = make("", LIMIT);
	struct registry *registry = metrics_registry(metrics);
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < ALL; i++) {
		struct report report = report_make();

		(void)snprintf(report.tool_id, sizeof(report.tool_id), "tool_%d", i);
		metrics_run(metrics, &report);
		if (i == FIRST)
			lines = registry_lines(registry);
	}
	assert_int_equal(registry_lines(registry), lines);
	assert_int_equal(registry_overflows(registry, "tool_id"), ALL - LIMIT);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{"), LIMIT + 1);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"_other\"} "
					   "499900\n"),
			 1);
	metrics_free(&metrics);
}

static void malformed_tool_id_is_invalid_and_no_overflow(void **state)
{
	static const char *const tools[] = {"", "\xff", "_invalid"};
	struct metrics *metrics = make("", 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct report report = report_of(tools[i]);

		metrics_run(metrics, &report);
	}
	assert_int_equal(
		times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id=\"_invalid\"} 3\n"), 1);
	assert_int_equal(registry_overflows(metrics_registry(metrics), "tool_id"), 0);
	metrics_free(&metrics);
}

static void hostile_tool_id_stays_inside_its_quotes(void **state)
{
	struct metrics *metrics = make("", 10);
	struct report report = report_of("a\"} 1\nup 7\\\x1b");

	(void)state;
	metrics_run(metrics, &report);
	assert_int_equal(times_in(metrics, "\nruntime_tool_cpu_seconds_count{tool_id="
					   "\"a\\\"} 1\\nup 7\\\\\x1b\"} 1\n"),
			 1);
	assert_int_equal(times_in(metrics, "\nup"), 0);
	metrics_free(&metrics);
}

static void polls_are_counted_by_workflow_and_outcome(void **state)
{
	struct metrics *metrics = make("", 10);
	struct poll_report report = {
		.workflow_id = "flow",
		.outcome = POLL_OUTCOME_TIMEOUT,
		.polls = 4,
		.begin_ns = 1000 * MS,
		.end_ns = 3500 * MS,
	};

	(void)state;
	metrics_polls(metrics, &report);
	report.polls = 3;
	metrics_polls(metrics, &report);
	report.workflow_id[0] = '\0';
	metrics_polls(metrics, &report);
	assert_int_equal(times_in(metrics, "\nworkflow_sync_polls_total{workflow_id=\"flow\","
					   "outcome=\"timeout\"} 7\n"),
			 1);
	assert_int_equal(times_in(metrics, "\nworkflow_sync_polls_total{workflow_id=\"_invalid\","
					   "outcome=\"timeout\"} 3\n"),
			 1);
	assert_int_equal(times_in(metrics,
				  "\nworkflow_sync_poll_duration_seconds_bucket{workflow_id="
				  "\"flow\",le=\"2.5\"} 2\n"),
			 1);
	assert_int_equal(times_in(metrics,
				  "\nworkflow_sync_poll_duration_seconds_bucket{workflow_id="
				  "\"flow\",le=\"1\"} 0\n"),
			 1);
	metrics_free(&metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_has_no_error),
		cmocka_unit_test(error_counts_each_of_its_kinds),
		cmocka_unit_test(stderr_counts_beside_a_success),
		cmocka_unit_test(timeout_counts_as_error_and_as_timeout),
		cmocka_unit_test(cancelled_run_is_no_timeout),
		cmocka_unit_test(signal_exit_names_signal_and_sender),
		cmocka_unit_test(run_that_failed_to_start_has_only_its_outcome),
		cmocka_unit_test(output_that_did_not_end_is_no_sample),
		cmocka_unit_test(startup_that_was_not_seen_is_no_sample),
		cmocka_unit_test(second_run_adds_to_the_first),
		cmocka_unit_test(closed_sets_are_there_at_0_from_first_sight),
		cmocka_unit_test(tool_of_a_run_has_them_as_well),
		cmocka_unit_test(without_a_run_what_alerts_wait_for_is_there),
		cmocka_unit_test(in_flight_is_counted_anew_after_a_reset),
		cmocka_unit_test(prefix_goes_before_what_is_not_the_agents_own),
		cmocka_unit_test(bad_prefix_is_refused),
		cmocka_unit_test(tool_beyond_the_limit_is_other_and_counted_once_a_run),
		cmocka_unit_test(tool_not_known_yet_takes_no_label),
		cmocka_unit_test(run_in_flight_does_not_count_as_turned_away),
		cmocka_unit_test(runs_of_owners_are_counted_apart),
		cmocka_unit_test(labels_that_were_not_asked_for_are_not_there),
		cmocka_unit_test(owners_beyond_the_limit_are_one),
		cmocka_unit_test(tools_of_owners_are_bounded),
		cmocka_unit_test(runs_in_flight_are_their_owners),
		cmocka_unit_test(tool_in_flight_keeps_its_label_until_it_ends),
		cmocka_unit_test(tools_without_end_make_no_more_series),
		cmocka_unit_test(malformed_tool_id_is_invalid_and_no_overflow),
		cmocka_unit_test(hostile_tool_id_stays_inside_its_quotes),
		cmocka_unit_test(polls_are_counted_by_workflow_and_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
