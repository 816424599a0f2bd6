/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "config.h"
#include "config_flags.h"

struct refused_row {
	const char *text;
	const char *message; /* behind `bunscope: FILE` */
};

struct file {
	char path[40];
};

static struct file file_with(const char *text)
{
	struct file file = {"/tmp/bunscope-config-XXXXXX"};
	int fd = mkstemp(file.path);
	size_t n = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	assert_int_equal(close(fd), 0);
	return file;
}

/* The command line `--config=FILE FLAG`; flag may be NULL. */
static int parse(const char *text, char *flag, struct config **ret, struct buf *message)
{
	struct file file = file_with(text);
	char *args[] = {(char[]){"--config"}, file.path, flag};
	int r = config_parse(flag ? 3 : 2, args, ret, message);

	assert_int_equal(unlink(file.path), 0);
	return r;
}

static struct config *parse_good(const char *text, char *flag)
{
	_cleanup_buf_ struct buf message = {};
	struct config *config = NULL;

	if (parse(text, flag, &config, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
	return config;
}

static void keys_are_the_flags(void **state)
{
	_cleanup_config_ struct config *config = parse_good("web.listen-address: :80\n"
							    "metrics.prefix: ''\n"
							    "metrics.max-label-values: 7\n"
							    "worker: ['*.ts', '*.js']\n"
							    "bun.exe: my-bun\n"
							    "track: all\n"
							    "json: true\n"
							    "payload: false\n",
							    NULL);

	(void)state;
	assert_string_equal(config->listen_address, ":80");
	assert_string_equal(config->metrics_prefix, "");
	assert_int_equal(config->max_label_values, 7);
	assert_int_equal(config->workers.count, 2);
	assert_string_equal(config->workers.items[1], "*.js");
	assert_int_equal(config->exes.count, 1);
	assert_int_equal(config->track, CONFIG_TRACK_ALL);
	assert_true(config->json);
	assert_false(config->record_payload);
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
}

static void command_line_comes_first(void **state)
{
	char flag[] = "--worker=mine";
	_cleanup_config_ struct config *config = parse_good("worker: [a, b]\ntrack: all\n", flag);

	(void)state;
	assert_int_equal(config->workers.count, 1);
	assert_string_equal(config->workers.items[0], "mine");
	assert_int_equal(config->track, CONFIG_TRACK_ALL);
}

static void every_flag_has_its_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_flag_count; i++) {
		_cleanup_buf_ struct buf text = {}, message = {};
		_cleanup_config_ struct config *config = NULL;

		buf_printf(&text, "%s: []\n", config_flags[i].name);
		int r = parse(buf_cstr(&text), NULL, &config, &message);
		if (config_flags[i].line_only)
			assert_non_null(strstr(buf_cstr(&message), ": only on the command line"));
		else if (config_flags[i].repeats)
			assert_int_equal(r, 0);
		else
			assert_non_null(strstr(buf_cstr(&message), ": takes one value"));
	}
}

static void what_is_wrong_is_said_with_file_line_and_key(void **state)
{
	static const struct refused_row rows[] = {
		{"\nnonsense: 1\n", ":2: nonsense: unknown key"},
		{"config: other\n", ":1: config: only on the command line"},
		{"track: some\n", ":1: track: 'some' is not one of workers, all"},
		{"track:\n", ":1: track: needs a value"},
		{"track: [all]\n", ":1: track: takes one value"},
		{"json: 1\n", ":1: json: '1' is not true or false"},
		{"worker:\n  - a\n  - ''\n", ":3: worker: an empty glob matches nothing"},
		{"track: all\ntrack: all\n", ":2: track: given twice"},
		{"- track\n", ":1: not a mapping of keys"},
		{"track: 'all\n", ":2: found unexpected end of stream"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf message = {};
		_cleanup_config_ struct config *config = NULL;

		assert_int_equal(parse(rows[i].text, NULL, &config, &message), -EINVAL);
		assert_null(config);
		assert_memory_equal(buf_cstr(&message), "bunscope: /tmp/bunscope-config-", 31);
		assert_string_equal(strchr(strchr(buf_cstr(&message), ':') + 1, ':'),
				    rows[i].message);
	}
}

static void file_that_is_not_there(void **state)
{
	char *args[] = {(char[]){"--config=/nonexistent.yml"}};
	_cleanup_buf_ struct buf message = {};
	struct config *config = NULL;

	(void)state;
	assert_int_equal(config_parse(1, args, &config, &message), -EINVAL);
	assert_string_equal(buf_cstr(&message),
			    "bunscope: /nonexistent.yml: No such file or directory");
}

static void reload_takes_what_can_change(void **state)
{
	_cleanup_config_ struct config *config =
		parse_good("log.level: debug\nworker: [a, b]\ntrack: all\n", NULL);
	_cleanup_config_ struct config *again =
		parse_good("log.format: json\nworker: [a, c]\ntrack: all\n", NULL);
	_cleanup_buf_ struct buf taken = {}, refused = {};

	(void)state;
	config_reload(config, again, &taken, &refused);
	assert_string_equal(buf_cstr(&taken), " log.level log.format");
	assert_string_equal(buf_cstr(&refused), " worker");
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->log_format, LOG_FORMAT_JSON);
	assert_string_equal(config->workers.items[1], "b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_the_flags),
		cmocka_unit_test(command_line_comes_first),
		cmocka_unit_test(every_flag_has_its_key),
		cmocka_unit_test(what_is_wrong_is_said_with_file_line_and_key),
		cmocka_unit_test(file_that_is_not_there),
		cmocka_unit_test(reload_takes_what_can_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
