/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "config.h"
#include "config_flags.h"

#define ARGS_MAX 20

struct args {
	const char *items[ARGS_MAX]; /* NULL-terminated */
};

struct error_row {
	struct args args;
	const char *message;
};

struct address_row {
	const char *value;
	const char *host;
	const char *port;
};

static int parse(const struct args *args, struct config **ret, struct buf *message)
{
	size_t n = 0;

	while (args->items[n])
		n++;
	return config_parse(n, (char *const *)args->items, ret, message);
}

static struct config *parse_good(struct args args)
{
	_cleanup_buf_ struct buf message = {};
	struct config *config = NULL;

	if (parse(&args, &config, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
	assert_int_equal(message.len, 0);
	return config;
}

static void assert_refused(const struct error_row *row)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_config_ struct config *config = NULL;

	assert_int_equal(parse(&row->args, &config, &message), -EINVAL);
	assert_null(config);
	assert_string_equal(buf_cstr(&message), row->message);
}

static void assert_patterns(const struct patterns *patterns, struct args expected)
{
	size_t i;

	for (i = 0; i < patterns->count && expected.items[i]; i++)
		assert_string_equal(patterns->items[i], expected.items[i]);
	assert_int_equal(i, patterns->count);
	assert_null(expected.items[i]);
}

static void no_arguments_give_the_defaults(void **state)
{
	_cleanup_config_ struct config *config = parse_good((struct args){});

	(void)state;
	assert_int_equal(config->command, COMMAND_RUN);
	assert_false(config->json);
	assert_string_equal(config->listen_address, "127.0.0.1:9477");
	assert_string_equal(config->listen_host, "127.0.0.1");
	assert_string_equal(config->listen_port, "9477");
	assert_string_equal(config->metrics_prefix, "");
	assert_int_equal(config->max_label_values, 500);
	assert_patterns(&config->exes,
			(struct args){{"bun", "bun.exe", "bunx", "bun-profile", "bun-debug"}});
	assert_patterns(&config->workers, (struct args){{"*/bun_worker.ts"}});
	assert_int_equal(config->track, CONFIG_TRACK_WORKERS);
	assert_int_equal(config->stdio, CONFIG_STDIO_AUTO);
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->log_format, LOG_FORMAT_LOGFMT);
}

static void assert_every_flag_was_set(const struct config *config)
{
	assert_string_equal(config->listen_address, "[::1]:80");
	assert_string_equal(config->metrics_prefix, "compozy_");
	assert_int_equal(config->max_label_values, 7);
	assert_patterns(&config->exes, (struct args){{"/opt/*/bun", "my-bun"}});
	assert_patterns(&config->workers, (struct args){{"*.ts", "a=b"}});
	assert_int_equal(config->track, CONFIG_TRACK_ALL);
	assert_int_equal(config->stdio, CONFIG_STDIO_SYSCALL);
	assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config->log_format, LOG_FORMAT_JSON);
}

static void value_may_follow_an_equals_sign(void **state)
{
	_cleanup_config_ struct config *config = parse_good((struct args){{
		"--web.listen-address=[::1]:80",
		"--metrics.prefix=compozy_",
		"--metrics.max-label-values=7",
		"--bun.exe=/opt/*/bun",
		"--bun.exe=my-bun",
		"--worker=*.ts",
		"--worker=a=b",
		"--track=all",
		"--probe.stdio=syscall",
		"--log.level=debug",
		"--log.format=json",
	}});

	(void)state;
	assert_every_flag_was_set(config);
}

static void value_may_be_the_next_argument(void **state)
{
	_cleanup_config_ struct config *config = parse_good((struct args){{
		"--web.listen-address",
		"[::1]:80",
		"--metrics.prefix",
		"compozy_",
		"--metrics.max-label-values",
		"7",
		"--bun.exe",
		"/opt/*/bun",
		"--bun.exe=my-bun",
		"--worker",
		"*.ts",
		"--worker=a=b",
		"--track",
		"all",
		"--probe.stdio",
		"syscall",
		"--log.level=debug",
		"--log.format=json",
	}});
	_cleanup_config_ struct config *log =
		parse_good((struct args){{"--log.level", "warn", "--log.format", "json"}});

	(void)state;
	assert_every_flag_was_set(config);
	assert_int_equal(log->log_level, LOG_LEVEL_WARN);
	assert_int_equal(log->log_format, LOG_FORMAT_JSON);
}

static void choices_are_the_enums_in_order(void **state)
{
	_cleanup_config_ struct config *error = parse_good((struct args){{"--log.level=error"}});
	_cleanup_config_ struct config *fentry =
		parse_good((struct args){{"--probe.stdio=fentry"}});

	(void)state;
	assert_int_equal(error->log_level, LOG_LEVEL_ERROR);
	assert_int_equal(fentry->stdio, CONFIG_STDIO_FENTRY);
}

static void the_last_of_two_wins(void **state)
{
	_cleanup_config_ struct config *config =
		parse_good((struct args){{"--metrics.prefix=a", "--metrics.prefix="}});

	(void)state;
	assert_string_equal(config->metrics_prefix, "");
}

static void listen_addresses(void **state)
{
	static const struct address_row rows[] = {
		{"127.0.0.1:9477", "127.0.0.1", "9477"}, {":9477", "", "9477"},
		{"[::1]:9477", "::1", "9477"},		 {"[fe80::1%eth0]:1", "fe80::1%eth0", "1"},
		{"localhost:0", "localhost", "0"},	 {"[::]:65535", "::", "65535"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_config_ struct config *config =
			parse_good((struct args){{"--web.listen-address", rows[i].value}});

		assert_string_equal(config->listen_address, rows[i].value);
		assert_string_equal(config->listen_host, rows[i].host);
		assert_string_equal(config->listen_port, rows[i].port);
	}
}

static void tail_stands_anywhere(void **state)
{
	_cleanup_config_ struct config *plain = parse_good((struct args){{"tail"}});
	_cleanup_config_ struct config *json =
		parse_good((struct args){{"--track=all", "--json", "tail", "--worker=x"}});

	(void)state;
	assert_int_equal(plain->command, COMMAND_TAIL);
	assert_false(plain->json);
	assert_int_equal(json->command, COMMAND_TAIL);
	assert_true(json->json);
	assert_int_equal(json->track, CONFIG_TRACK_ALL);
}

static void record_and_replay_take_a_file(void **state)
{
	_cleanup_config_ struct config *record =
		parse_good((struct args){{"record", "--track=all", "a.rec"}});
	_cleanup_config_ struct config *payload =
		parse_good((struct args){{"--payload", "record", "replay"}});
	_cleanup_config_ struct config *replay =
		parse_good((struct args){{"replay", "a.rec", "--metrics.prefix=x_"}});
	_cleanup_config_ struct config *server = parse_good(
		(struct args){{"replay", "a.rec", "--serve", "--web.listen-address=:1"}});

	(void)state;
	assert_int_equal(record->command, COMMAND_RECORD);
	assert_string_equal(record->file, "a.rec");
	assert_false(record->record_payload);
	assert_string_equal(payload->file, "replay");
	assert_true(payload->record_payload);
	assert_int_equal(replay->command, COMMAND_REPLAY);
	assert_string_equal(replay->metrics_prefix, "x_");
	assert_false(replay->replay_serves);
	assert_true(server->replay_serves);
	assert_string_equal(server->listen_port, "1");
}

static void help_and_version_end_the_command_line(void **state)
{
	_cleanup_config_ struct config *help =
		parse_good((struct args){{"tail", "--help", "--foo"}});
	_cleanup_config_ struct config *version =
		parse_good((struct args){{"--json", "--version", "x"}});

	(void)state;
	assert_int_equal(help->command, COMMAND_HELP);
	assert_int_equal(version->command, COMMAND_VERSION);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct error_row rows[] = {
		{{{"--foo"}}, "bunscope: unknown flag --foo; see bunscope --help"},
		{{{"--foo=1"}}, "bunscope: unknown flag --foo; see bunscope --help"},
		{{{"--trac=all"}}, "bunscope: unknown flag --trac; see bunscope --help"},
		{{{"--"}}, "bunscope: unknown flag --; see bunscope --help"},
		{{{"-"}}, "bunscope: unknown flag -; see bunscope --help"},
		{{{"-h"}}, "bunscope: unknown flag -h; see bunscope --help"},
		{{{"--a\nb"}}, "bunscope: unknown flag --a?b; see bunscope --help"},
		{{{"bottom"}}, "bunscope: unexpected argument 'bottom'; see bunscope --help"},
		{{{"top", "http://a", "http://b"}},
		 "bunscope: unexpected argument 'http://b'; see bunscope --help"},
		{{{"top", "--worker=x"}}, "bunscope: --worker: not with top"},
		{{{""}}, "bunscope: unexpected argument ''; see bunscope --help"},
		{{{"tail", "tail"}}, "bunscope: unexpected argument 'tail'; see bunscope --help"},
		{{{"--json"}}, "bunscope: --json: only with tail or doctor"},
		{{{"tail", "--json=1"}}, "bunscope: --json: takes no value"},
		{{{"--metrics.prefix=a", "tail"}}, "bunscope: --metrics.prefix: not with tail"},
		{{{"--payload"}}, "bunscope: --payload: only with record"},
		{{{"replay", "a", "--payload"}}, "bunscope: --payload: not with replay"},
		{{{"replay", "a", "--probe.stdio=auto"}},
		 "bunscope: --probe.stdio: not with replay"},
		{{{"record"}}, "bunscope: record needs a FILE; see bunscope --help"},
		{{{"record", "a", "--serve"}}, "bunscope: --serve: not with record"},
		{{{"replay", ""}}, "bunscope: unexpected argument ''; see bunscope --help"},
		{{{"a", "replay"}}, "bunscope: unexpected argument 'a'; see bunscope --help"},
		{{{"replay", "a", "b"}}, "bunscope: unexpected argument 'b'; see bunscope --help"},
		{{{"--track"}}, "bunscope: --track: needs a value"},
		{{{"--track=x"}}, "bunscope: --track: 'x' is not one of workers, all"},
		{{{"--track="}}, "bunscope: --track: '' is not one of workers, all"},
		{{{"--probe.stdio=kprobe"}},
		 "bunscope: --probe.stdio: 'kprobe' is not one of auto, fentry, syscall"},
		{{{"--log.level=trace"}},
		 "bunscope: --log.level: 'trace' is not one of error, warn, info, debug"},
		{{{"--log.format=xml"}},
		 "bunscope: --log.format: 'xml' is not one of logfmt, json"},
		{{{"--bun.exe="}}, "bunscope: --bun.exe: an empty glob matches nothing"},
		{{{"--worker", ""}}, "bunscope: --worker: an empty glob matches nothing"},
		{{{"--metrics.max-label-values=0"}},
		 "bunscope: --metrics.max-label-values: '0' is not a number from 1 to 10000"},
		{{{"--metrics.max-label-values=10001"}},
		 "bunscope: --metrics.max-label-values: '10001' is not a number from 1 to 10000"},
		{{{"--metrics.max-label-values=-1"}},
		 "bunscope: --metrics.max-label-values: '-1' is not a number from 1 to 10000"},
		{{{"--metrics.max-label-values=5x"}},
		 "bunscope: --metrics.max-label-values: '5x' is not a number from 1 to 10000"},
		{{{"--metrics.prefix=1a"}},
		 "bunscope: --metrics.prefix: '1a' cannot begin a metric name; use letters, digits "
		 "and _"},
		{{{"--metrics.prefix=a:b"}},
		 "bunscope: --metrics.prefix: 'a:b' cannot begin a metric name; use letters, "
		 "digits and _"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(&rows[i]);
}

static void bad_listen_addresses_are_refused(void **state)
{
	static const char shape[] =
		"bunscope: --web.listen-address: '%s' is not HOST:PORT, :PORT or [IPV6]:PORT";
	static const char *const values[] = {
		"", "9477", "127.0.0.1", "::1:9477", "[]:1", "[::1]", "[::1:9477", "[:9477", "a]:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char message[160];

		(void)snprintf(message, sizeof(message), shape, values[i]);
		assert_refused(&(struct error_row){{{"--web.listen-address", values[i]}}, message});
	}
}

static void bad_ports_are_refused(void **state)
{
	static const char shape[] =
		"bunscope: --web.listen-address: '%s' is not a port from 0 to 65535";
	static const char *const ports[] = {"",	  "65536", "-1",   "+1",
					    " 1", "1 ",	   "http", "99999999999999999999"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		char message[160];
		char value[64];

		(void)snprintf(value, sizeof(value), "127.0.0.1:%s", ports[i]);
		(void)snprintf(message, sizeof(message), shape, ports[i]);
		assert_refused(&(struct error_row){{{"--web.listen-address", value}}, message});
	}
}

static void patterns_are_bounded(void **state)
{
	struct error_row row = {.message = "bunscope: --worker: given more than 16 times"};
	size_t i;

	(void)state;
	for (i = 0; i < CONFIG_PATTERNS_MAX; i++)
		row.args.items[i] = "--worker=a";
	_cleanup_config_ struct config *config = parse_good(row.args);
	assert_int_equal(config->workers.count, CONFIG_PATTERNS_MAX);

	row.args.items[i] = "--worker=a";
	assert_refused(&row);
}

static void prefix_is_bounded(void **state)
{
	char prefix[CONFIG_PREFIX_BYTES + 2] = {};

	(void)state;
	memset(prefix, 'a', CONFIG_PREFIX_BYTES + 1);
	assert_refused(
		&(struct error_row){{{"--metrics.prefix", prefix}},
				    "bunscope: --metrics.prefix: is longer than 64 characters"});
	prefix[CONFIG_PREFIX_BYTES] = '\0';
	_cleanup_config_ struct config *config =
		parse_good((struct args){{"--metrics.prefix", prefix}});
	assert_string_equal(config->metrics_prefix, prefix);
}

static void help_names_every_flag_and_default(void **state)
{
	_cleanup_buf_ struct buf help = {};

	(void)state;
	config_help(&help);
	for (size_t i = 0; i < config_flag_count; i++) {
		const struct flag *flag = &config_flags[i];
		char text[120];

		(void)snprintf(text, sizeof(text), "\n  --%s", flag->name);
		assert_non_null(strstr(buf_cstr(&help), text));
		(void)snprintf(text, sizeof(text), "(default %s)", flag->fallback ?: "");
		if (flag->fallback && *flag->fallback)
			assert_non_null(strstr(buf_cstr(&help), text));
	}
	assert_non_null(strstr(buf_cstr(&help), "  --track=workers|all\n"));
	assert_non_null(strstr(buf_cstr(&help), "  --worker=GLOB...\n"));
}

static void help_fits_into_100_columns(void **state)
{
	_cleanup_buf_ struct buf help = {};
	const char *line;
	size_t n;

	(void)state;
	config_help(&help);
	assert_int_equal(buf_error(&help), 0);
	for (line = buf_cstr(&help); *line; line += n + 1) {
		n = strcspn(line, "\n");
		assert_true(n <= 100);
		assert_int_equal(line[n], '\n');
	}
}

static void version_names_the_revision(void **state)
{
	_cleanup_buf_ struct buf text = {};

	(void)state;
	config_version(&text);
	assert_string_equal(buf_cstr(&text),
			    "bunscope " BUNSCOPE_VERSION " (revision " BUNSCOPE_REVISION ")\n");
}

static void environment_stands_where_no_flag_does(void **state)
{
	static const char *const names[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
					    "OTEL_EXPORTER_OTLP_PROTOCOL",
					    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
					    "OTEL_EXPORTER_OTLP_TIMEOUT",
					    "OTEL_TRACES_SAMPLER",
					    "OTEL_SERVICE_NAME",
					    "OTEL_BSP_MAX_QUEUE_SIZE"};
	static const char *const values[] = {
		"http://c:4318", "http/json", "http/protobuf", "2500", "traceidratio", "", "99"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(setenv(names[i], values[i], 1), 0);
	struct config *config =
		parse_good((struct args){{"--otlp.queue-size=7", "--otlp.batch-delay=2m"}});
	assert_string_equal(config->otlp.endpoint, "http://c:4318");
	assert_int_equal(config->otlp.protocol, OTLP_PROTOBUF);
	assert_int_equal(config->otlp.timeout_ms, 2500);
	assert_int_equal(config->otlp.sampler, SAMPLER_RATIO);
	assert_null(config->otlp.service_name);
	assert_int_equal(config->otlp.queue_max, 7);
	assert_int_equal(config->otlp.delay_ms, 120000);
	config_free(&config);

	/* Only where there is something to export. */
	config = parse_good((struct args){{"tail"}});
	assert_null(config->otlp.endpoint);
	config_free(&config);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unsetenv(names[i]);
}

/* As OpenTelemetry's specification has it; a variable that says no more than whether it is heeded does not end a start. */
static void environment_that_makes_no_sense_is_ignored(void **state)
{
	static const char *const set[][2] = {
		{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/JSON"},
		{"OTEL_EXPORTER_OTLP_COMPRESSION", "None"},
		{"OTEL_TRACES_SAMPLER", "jaeger\nremote"},
		{"OTEL_TRACES_SAMPLER_ARG", "2"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "ten"},
		{"OTEL_BSP_MAX_QUEUE_SIZE", "-1"},
	};
	_cleanup_config_ struct config *config = NULL;
	_cleanup_buf_ struct buf message = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		assert_int_equal(setenv(set[i][0], set[i][1], 1), 0);
	assert_int_equal(parse(&(struct args){{NULL}}, &config, &message), 0);
	assert_string_equal(
		buf_cstr(&message),
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is ignored: 'grpc' is not one of "
		"http/protobuf, "
		"http/json\n"
		"OTEL_EXPORTER_OTLP_TIMEOUT is ignored: 'tenms' is not a time like 500ms, 10s or "
		"2m, at most 600s\n"
		"OTEL_BSP_MAX_QUEUE_SIZE is ignored: '-1' is not a number from 1 to 65536\n"
		"OTEL_TRACES_SAMPLER is ignored: 'jaeger?remote' is not one of always_on, "
		"always_off, traceidratio, parentbased_always_on, parentbased_always_off, "
		"parentbased_traceidratio\n"
		"OTEL_TRACES_SAMPLER_ARG is ignored: '2' is not a number from 0 to 1\n");
	assert_int_equal(config->otlp.protocol, OTLP_JSON);
	assert_int_equal(config->otlp.compression, OTLP_PLAIN);
	assert_int_equal(config->otlp.sampler, SAMPLER_PARENT_ON);
	assert_string_equal(config->otlp.sampler_ratio, "1");
	assert_int_equal(config->otlp.timeout_ms, 10000);
	assert_int_equal(config->otlp.queue_max, 2048);

	/* Where spans go to is no matter of taste. */
	assert_int_equal(setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317", 1), 0);
	assert_refused(&(struct error_row){
		{{NULL}},
		"bunscope: OTEL_EXPORTER_OTLP_ENDPOINT: is not an http:// or https:// URL with a "
		"host"});
	(void)unsetenv("OTEL_EXPORTER_OTLP_ENDPOINT");
	for (size_t i = 0; i < ARRAY_SIZE(set); i++)
		(void)unsetenv(set[i][0]);
}

static void senseless_tracing_flags_are_refused(void **state)
{
	static const struct error_row rows[] = {
		{{{"--otlp.endpoint=c:4318"}},
		 "bunscope: --otlp.endpoint: is not an http:// or https:// URL with a host"},
		{{{"--otlp.headers=secret"}},
		 "bunscope: --otlp.headers: is not KEY=VALUE,KEY=VALUE with values "
		 "percent-encoded, 32 "
		 "at most"},
		{{{"--otlp.sampler-arg=1.1"}},
		 "bunscope: --otlp.sampler-arg: '1.1' is not a number from 0 to 1"},
		{{{"--otlp.timeout=10"}},
		 "bunscope: --otlp.timeout: '10' is not a time like 500ms, 10s or 2m, at most "
		 "600s"},
		{{{"--otlp.timeout=0s"}},
		 "bunscope: --otlp.timeout: '0s' is not a time like 500ms, 10s or 2m, at most "
		 "600s"},
		{{{"--otlp.timeout=601s"}},
		 "bunscope: --otlp.timeout: '601s' is not a time like 500ms, 10s or 2m, at most "
		 "600s"},
		{{{"--shutdown-timeout=99999999999s"}},
		 "bunscope: --shutdown-timeout: '99999999999s' is not a time like 500ms, 10s or "
		 "2m, at "
		 "most 600s"},
		{{{"--otlp.certificate="}}, "bunscope: --otlp.certificate: is empty"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_refused(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_arguments_give_the_defaults),
		cmocka_unit_test(value_may_follow_an_equals_sign),
		cmocka_unit_test(value_may_be_the_next_argument),
		cmocka_unit_test(choices_are_the_enums_in_order),
		cmocka_unit_test(the_last_of_two_wins),
		cmocka_unit_test(listen_addresses),
		cmocka_unit_test(tail_stands_anywhere),
		cmocka_unit_test(record_and_replay_take_a_file),
		cmocka_unit_test(help_and_version_end_the_command_line),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(bad_listen_addresses_are_refused),
		cmocka_unit_test(bad_ports_are_refused),
		cmocka_unit_test(patterns_are_bounded),
		cmocka_unit_test(prefix_is_bounded),
		cmocka_unit_test(help_names_every_flag_and_default),
		cmocka_unit_test(help_fits_into_100_columns),
		cmocka_unit_test(version_names_the_revision),
		cmocka_unit_test(environment_stands_where_no_flag_does),
		cmocka_unit_test(environment_that_makes_no_sense_is_ignored),
		cmocka_unit_test(senseless_tracing_flags_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
