/* SPDX-License-Identifier: Apache-2.0 */
#include "run/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const char *const default_workers[] = {"*/bun_worker.ts"};

/* A command line with spaces in the place of NULs. */
static struct command read_words(const char *words, bool truncated)
{
	char args[ARGS_BYTES];
	size_t n = strlen(words) + !truncated;
	struct command command;

	memcpy(args, words, n);
	for (size_t i = 0; i < n; i++)
		args[i] = args[i] == ' ' ? '\0' : args[i];
	command_read(args, n, truncated, default_workers, ARRAY_SIZE(default_workers), &command);
	return command;
}

static void script_is_what_bun_would_run(void **state)
{
	static const struct {
		const char *words;
		const char *script;
	} cases[] = {
		{"bun", ""},
		{"bun --version", ""},
		{"bun run", ""},
		{"bun tool.ts", "tool.ts"},
		{"bun run /a/b/tool.mjs", "tool.mjs"},
		{"bun --smol run --allow-read /app/.compozy/bun_worker.ts", "bun_worker.ts"},
		{"bun run --allow-read=/x --allow-net ./w.tsx a.js", "w.tsx"},
		{"bun run build", "build"},
		{"bun run run", "run"},
		{"bun install", "install"},
		{"bun -r ./setup.ts tool.js", "tool.js"},
		{"bun --preload ./setup.ts run tool.js", "tool.js"},
		{"bun --preload=./setup.ts tool.js", "tool.js"},
		{"bun --cwd /srv/app.js tool.cts", "tool.cts"},
		{"bun --config bunfig.toml --env-file .env server", "server"},
		{"bun -e console.log(1)", ""},
		{"bun exec tool.cjs", "tool.cjs"},
		{"bun x.tss y.jsx", "y.jsx"},
		{"bun /dir.ts/x", "x"},
		{"bun .ts", ".ts"},
		{"tool --flag input.json", "input.json"},
		{"bun dir/", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct command command = read_words(cases[i].words, false);

		if (strcmp(command.script, cases[i].script))
			fail_msg("%s: %s", cases[i].words, command.script);
	}
}

static void worker_is_found_however_it_is_called(void **state)
{
	static const struct {
		const char *words;
		bool worker;
	} cases[] = {
		{"bun --smol run --allow-read /app/.compozy/bun_worker.ts", true},
		{"bun run .compozy/bun_worker.ts", true},
		{"bun run ./bun_worker.ts", true},
		{"bun bun_worker.ts", true},
		{"bun --allow-read bun_worker.ts --more", true},
		{"bun run /app/my_bun_worker.ts", false},
		{"bun run my_bun_worker.ts", false},
		{"bun run bun_worker.ts.bak", false},
		{"bun test --preload=/app/bun_worker.ts", false},
		{"/app/bun_worker.ts", false},
		{"bun --version", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (read_words(cases[i].words, false).worker != cases[i].worker)
			fail_msg("%s", cases[i].words);
	}
}

static void any_pattern_may_match(void **state)
{
	static const char *const workers[] = {"*/no.ts", "worker-?.js", "/srv/*"};
	static const char by_name[] = "bun\0/opt/worker-1.js", by_path[] = "bun\0/srv/x";
	struct command command;

	(void)state;
	command_read(by_name, sizeof(by_name), false, workers, 3, &command);
	assert_true(command.worker);
	command_read(by_path, sizeof(by_path), false, workers, 3, &command);
	assert_true(command.worker);
	command_read(by_path, sizeof(by_path), false, workers, 2, &command);
	assert_false(command.worker);
	command_read(by_path, sizeof(by_path), false, NULL, 0, &command);
	assert_false(command.worker);
}

static void cut_argument_is_not_looked_at(void **state)
{
	struct command command = read_words("bun run /app/tool.ts /app/bun_worker.ts", true);

	(void)state;
	assert_string_equal(command.script, "tool.ts");
	assert_false(command.worker);
	assert_string_equal(read_words("bun /app/tool.t", true).script, "");
}

static void arguments_need_no_last_nul(void **state)
{
	static const char args[] = {'b', 'u', 'n', '\0', 'a', '.', 't', 's'};
	struct command command;

	(void)state;
	command_read(args, sizeof(args), false, NULL, 0, &command);
	assert_string_equal(command.script, "a.ts");
	command_read(args, 0, false, NULL, 0, &command);
	assert_string_equal(command.script, "");
}

static void argument_may_fill_all_there_is(void **state)
{
	char args[ARGS_BYTES];
	struct command command;

	(void)state;
	memset(args, 'x', sizeof(args));
	args[0] = '\0';
	command_read(args, sizeof(args), false, default_workers, 1, &command);
	assert_int_equal(strlen(command.script), ARGS_BYTES - 1);
	memset(args, '\0', sizeof(args));
	command_read(args, sizeof(args), false, default_workers, 1, &command);
	assert_string_equal(command.script, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_is_what_bun_would_run),
		cmocka_unit_test(worker_is_found_however_it_is_called),
		cmocka_unit_test(any_pattern_may_match),
		cmocka_unit_test(cut_argument_is_not_looked_at),
		cmocka_unit_test(arguments_need_no_last_nul),
		cmocka_unit_test(argument_may_fill_all_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
