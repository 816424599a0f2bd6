/* SPDX-License-Identifier: Apache-2.0 */
#include "run/command.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/glob.h"

/* Options of Bun 1.x whose value is the next argument: a script there is not the one that runs. */
static const char *const valued_options[] = {
	"-r",
	"--preload",
	"--require",
	"--import",
	"-c",
	"--config",
	"--cwd",
	"--env-file",
	"-e",
	"--eval",
	"-p",
	"--print",
	"-d",
	"--define",
	"-l",
	"--loader",
	"-F",
	"--filter",
	"--conditions",
	"--drop",
	"--extension-order",
	"--install",
	"--main-fields",
	"--port",
	"--tsconfig-override",
	"--title",
	"--shell",
	"--user-agent",
	"--unhandled-rejections",
};

static const char *const script_extensions[] = {
	".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs",
};

/* Walks the arguments, each as a C string in `arg`, with "./" before it for relative paths. */
struct args {
	const char *at;
	const char *end;
	char arg[ARGS_BYTES + 3];
};

#define RELATIVE "./"

static char *args_next(struct args *args, bool truncated)
{
	size_t room = (size_t)(args->end - args->at);
	size_t n = strnlen(args->at, room);

	if (room == 0 || (truncated && n == room))
		return NULL;
	memcpy(args->arg, RELATIVE, 2);
	memcpy(args->arg + 2, args->at, n);
	args->arg[2 + n] = '\0';
	args->at += n < room ? n + 1 : n;
	return args->arg + 2;
}

static bool is_listed(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_script(const char *arg)
{
	const char *dot = strrchr(base_name(arg), '.');

	return dot && is_listed(dot, script_extensions, ARRAY_SIZE(script_extensions));
}

/* `arg` has "./" in front of it in memory: a pattern with a directory matches a bare name too. */
static bool is_worker(const char *arg, const char *const *workers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (glob_match_path(workers[i], arg) ||
		    (arg[0] != '/' && glob_match_path(workers[i], arg - 2)))
			return true;
	}
	return false;
}

/* Takes the script's name from an argument that is not an option. True when there can be no better
 * one. */
static bool take_script(const char *arg, size_t position, struct command *ret)
{
	const char *name = base_name(arg);
	bool script = is_script(arg);

	if (script || (ret->script[0] == '\0' && !(position == 0 && strcmp(arg, "run") == 0)))
		memcpy(ret->script, name, strlen(name) + 1);
	return script;
}

void command_read(const void *args, size_t n, bool truncated, const char *const *workers,
		  size_t workers_count, struct command *ret)
{
	struct args walk = {.at = args, .end = (const char *)args + n};
	bool is_value = false, found = false;
	size_t position = 0;
	const char *arg;

	ret->script[0] = '\0';
	ret->worker = false;
	if (!args_next(&walk, truncated))
		return;
	while ((arg = args_next(&walk, truncated))) {
		bool is_option = !is_value && arg[0] == '-';

		if (!is_option)
			ret->worker |= is_worker(arg, workers, workers_count);
		if (!is_option && !is_value && !found)
			found = take_script(arg, position++, ret);
		is_value = is_option && is_listed(arg, valued_options, ARRAY_SIZE(valued_options));
	}
}
