/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recordings under tests/golden, replayed to the text that is there, byte for byte. With
 * GOLDEN_WRITE in the environment it writes that text instead: `make golden`, then review the diff.
 */
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
#include "replay.h"

#define FOLDER "tests/golden/"
#define FLAGS_MAX 5
#define TEXT_BYTES_MAX (1u << 20)

/* Without payload it must be as with it: those share their text. */
static const struct golden {
	const char *recording;
	const char *text;
	const char *flags[FLAGS_MAX];
} goldens[] = {
	{"situations.rec", "situations.txt", {}},
	{"situations-payload.rec", "situations.txt", {}},
	{"tools.rec", "tools.txt", {}},
	{"tools.rec",
	 "tools-all.txt",
	 {"--track=all", "--bun.exe=bun", "--bun.exe=node", "--metrics.prefix=compozy_",
	  "--metrics.max-label-values=4"}},
};

static void file_read(const char *path, char *ret)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		fail_msg("%s is missing: run make golden", path);
	ret[fread(ret, 1, TEXT_BYTES_MAX - 1, file)] = '\0';
}

static void file_write(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void replay_golden(const struct golden *golden, struct buf *out)
{
	_cleanup_config_ struct config *config = NULL;
	_cleanup_buf_ struct buf message = {};
	char command[] = "replay", path[256];
	char *args[2 + FLAGS_MAX] = {command, path};
	size_t n = 2;

	(void)snprintf(path, sizeof(path), FOLDER "%s", golden->recording);
	for (size_t i = 0; i < FLAGS_MAX && golden->flags[i]; i++)
		args[n++] = (char *)golden->flags[i];
	if (config_parse(n, args, &config, &message) < 0 || replay_file(config, out, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
}

static void recordings_replay_to_their_text(void **state)
{
	static char expected[TEXT_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		_cleanup_buf_ struct buf out = {};
		char path[256];

		(void)snprintf(path, sizeof(path), FOLDER "%s", goldens[i].text);
		replay_golden(&goldens[i], &out);
		if (getenv("GOLDEN_WRITE"))
			file_write(path, buf_cstr(&out));
		file_read(path, expected);
		if (strcmp(buf_cstr(&out), expected) != 0)
			fail_msg("%s is not %s any more: make golden, and review the difference",
				 goldens[i].recording, path);
	}
}

/* Twice in one process: nothing is kept from one replay to the next, nothing depends on the time. */
static void replay_says_the_same_again(void **state)
{
	_cleanup_buf_ struct buf first = {}, second = {};

	(void)state;
	replay_golden(&goldens[0], &first);
	replay_golden(&goldens[0], &second);
	assert_string_equal(buf_cstr(&first), buf_cstr(&second));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recordings_replay_to_their_text),
		cmocka_unit_test(replay_says_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
