/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config_file.h"
#include "config_flags.h"

/* The agent itself has no name. */
static const char *const commands[] = {
	[COMMAND_TAIL] = "tail",     [COMMAND_RECORD] = "record", [COMMAND_REPLAY] = "replay",
	[COMMAND_DOCTOR] = "doctor", [COMMAND_TOP] = "top",
};

/* What has been read of the command line. */
struct parser {
	struct config *config;
	char *const *args;
	size_t count;
	size_t next;
	bool has_command;
	struct buf *message;
	struct buf passed_over; /* of the environment, a line each */
};

/* A message is one line, whatever was on the command line. */
static void message_flatten(struct buf *message)
{
	for (size_t i = 0; i < message->len; i++) {
		if ((unsigned char)message->data[i] < ' ')
			message->data[i] = '?';
	}
}

static int flag_set(struct parser *parser, const struct flag *flag, const char *value)
{
	_cleanup_buf_ struct buf error = {};

	int r = flag_give(parser->config, flag, value, &error);
	if (r == -EINVAL)
		buf_printf(parser->message, "bunscope: --%s: %s", flag->name, buf_cstr(&error));
	return r;
}

/*
 * "--flag=value" or "--flag value". Not getopt_long(): it takes abbreviations, which turn ambiguous
 * as flags are added, does not name the argument that it refused, and keeps global state.
 */
static int parse_flag(struct parser *parser, const char *arg)
{
	size_t n = strcspn(arg, "=");
	const char *value = arg[n] == '=' ? arg + n + 1 : NULL;
	const struct flag *flag =
		n > 2 && strncmp(arg, "--", 2) == 0 ? flag_find(arg + 2, n - 2) : NULL;

	if (!flag) {
		buf_printf(parser->message, "bunscope: unknown flag %.*s; see bunscope --help",
			   (int)n, arg);
		return -EINVAL;
	}
	if (!flag_takes_value(flag) && value) {
		buf_printf(parser->message, "bunscope: --%s: takes no value", flag->name);
		return -EINVAL;
	}
	if (flag_takes_value(flag) && !value) {
		if (parser->next == parser->count) {
			buf_printf(parser->message, "bunscope: --%s: needs a value", flag->name);
			return -EINVAL;
		}
		value = parser->args[parser->next++];
	}
	return flag_set(parser, flag, value);
}

static bool needs_file(enum command command)
{
	return command == COMMAND_RECORD || command == COMMAND_REPLAY;
}

static bool takes_operand(enum command command)
{
	return needs_file(command) || command == COMMAND_TOP;
}

/* A command, and behind it the file or URL that it may take. */
static int parse_operand(struct parser *parser, const char *arg)
{
	struct config *config = parser->config;

	for (unsigned i = 0; i < ARRAY_SIZE(commands) && !parser->has_command; i++) {
		if (!commands[i] || strcmp(arg, commands[i]) != 0)
			continue;
		config->command = i;
		parser->has_command = true;
		return 0;
	}
	if (parser->has_command && takes_operand(config->command) && !config->file && *arg) {
		config->file = strdup(arg);
		return config->file ? 0 : -ENOMEM;
	}
	buf_printf(parser->message, "bunscope: unexpected argument '%s'; see bunscope --help", arg);
	return -EINVAL;
}

static bool parser_ended(const struct parser *parser)
{
	return parser->config->command == COMMAND_HELP ||
	       parser->config->command == COMMAND_VERSION;
}

static int parse_args(struct parser *parser)
{
	int r = 0;

	while (r == 0 && parser->next < parser->count && !parser_ended(parser)) {
		const char *arg = parser->args[parser->next++];

		r = *arg == '-' ? parse_flag(parser, arg) : parse_operand(parser, arg);
	}
	return r;
}

/* `with tail or record`: where a flag may stand. */
static void append_commands(struct buf *message, const struct flag *flag)
{
	const char *before = "only with ";

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!commands[i] || !(flag->commands & 1u << i))
			continue;
		buf_printf(message, "%s%s", before, commands[i]);
		before = " or ";
	}
}

/* Last, since the command may stand behind its flags. */
static int check_commands(struct parser *parser)
{
	const struct config *config = parser->config;
	struct buf *message = parser->message;

	for (size_t i = 0; i < config_flag_count && !parser_ended(parser); i++) {
		const struct flag *flag = &config_flags[i];

		if (!flag_was_given(config, flag) || flag->commands & 1u << config->command)
			continue;
		buf_printf(message, "bunscope: --%s: ", flag->name);
		if (config->command == COMMAND_RUN)
			append_commands(message, flag);
		else
			buf_printf(message, "not with %s", commands[config->command]);
		return -EINVAL;
	}
	if (needs_file(config->command) && !config->file) {
		buf_printf(message, "bunscope: %s needs a FILE; see bunscope --help",
			   commands[config->command]);
		return -EINVAL;
	}
	return 0;
}

static int set_words(struct config *config, const struct flag *flag, struct buf *error)
{
	_cleanup_free_ char *words = strdup(flag->fallback);
	char *rest = NULL;
	int r = 0;

	if (!words)
		return -ENOMEM;
	for (char *word = strtok_r(words, " ", &rest); word && r == 0;
	     word = strtok_r(NULL, " ", &rest))
		r = flag->set(config, flag, word, error);
	return r;
}

/*
 * OpenTelemetry's rules (SDK environment variables): empty is not set, and case does not matter where a value is one of
 * some; a number or such a word that makes no sense is ignored, with a warning.
 */
static int set_from_variable(struct parser *parser, const struct flag *flag, const char *name,
			     const char *value)
{
	_cleanup_buf_ struct buf text = {}, error = {};

	buf_printf(&text, "%s%s", value, flag->env_unit ?: "");
	for (size_t i = 0; flag->choices[0] && i < text.len; i++)
		text.data[i] = (char)tolower((unsigned char)text.data[i]);
	int r = flag_give(parser->config, flag, buf_cstr(&text), &error);
	if (r != -EINVAL)
		return r;
	message_flatten(&error);
	if (flag->fallback)
		buf_printf(&parser->passed_over, "%s is ignored: %s\n", name, buf_cstr(&error));
	else
		buf_printf(parser->message, "bunscope: %s: %s", name, buf_cstr(&error));
	return r;
}

/* The first of its variables that makes sense; where a flag has no default, one that makes none is an error. */
static int set_from_env(struct parser *parser, const struct flag *flag)
{
	for (size_t i = 0; i < CONFIG_ENV_MAX && flag->env[i]; i++) {
		const char *value = getenv(flag->env[i]);

		if (!value || !*value)
			continue;
		int r = set_from_variable(parser, flag, flag->env[i], value);
		if (r != -EINVAL || !flag->fallback)
			return r;
	}
	return 0;
}

static int set_environment(struct parser *parser)
{
	int r = 0;

	for (size_t i = 0; i < config_flag_count && r == 0; i++) {
		const struct flag *flag = &config_flags[i];

		if (!flag_was_given(parser->config, flag) &&
		    flag->commands & 1u << parser->config->command)
			r = set_from_env(parser, flag);
	}
	return r;
}

/* After the command line: what it gives of a list replaces the defaults. */
static int set_fallbacks(struct parser *parser)
{
	int r = 0;

	for (size_t i = 0; i < config_flag_count && r == 0; i++) {
		const struct flag *flag = &config_flags[i];

		if (flag_was_given(parser->config, flag) || !flag->fallback)
			continue;
		r = flag->repeats
			    ? set_words(parser->config, flag, parser->message)
			    : flag->set(parser->config, flag, flag->fallback, parser->message);
	}
	return r;
}

int config_parse(size_t count, char *const *args, struct config **ret, struct buf *message)
{
	_cleanup_config_ struct config *config = calloc(1, sizeof(*config));
	struct parser parser = {.config = config, .args = args, .count = count, .message = message};

	if (!config)
		return -ENOMEM;

	int r = parse_args(&parser);
	if (r == 0)
		r = check_commands(&parser);
	if (r == 0 && config->config_file && !parser_ended(&parser))
		r = config_file_apply(config, message);
	if (r == 0)
		r = set_environment(&parser);
	if (r == 0)
		r = set_fallbacks(&parser);
	if (r < 0)
		message_flatten(message);
	else
		buf_append(message, parser.passed_over.data, parser.passed_over.len);
	buf_free(&parser.passed_over);
	if (r == 0)
		*ret = take_ptr(config);
	return r;
}

void config_warn(struct buf *message)
{
	char *rest = NULL;

	if (!message->len || buf_error(message) < 0)
		return;
	for (char *line = strtok_r(message->data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		log_warn("%s", line);
}

static void patterns_free(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		free(patterns->items[i]);
}

void config_free(struct config **config)
{
	if (!*config)
		return;
	free((*config)->file);
	free((*config)->config_file);
	free((*config)->web_config_file);
	for (size_t i = 0; i < config_flag_count; i++)
		free((*config)->given[i]);
	free((*config)->listen_address);
	free((*config)->listen_host);
	free((*config)->listen_port);
	free((*config)->metrics_prefix);
	config_otlp_free(&(*config)->otlp);
	free((*config)->pods_url);
	free((*config)->pods_token_file);
	free((*config)->pods_ca_file);
	patterns_free(&(*config)->exes);
	patterns_free(&(*config)->workers);
	patterns_free(&(*config)->server_exes);
	patterns_free(&(*config)->routes);
	free((*config)->base_path);
	free(*config);
	*config = NULL;
}

static bool text_differs(const char *one, const char *other)
{
	return !one != !other || (one && strcmp(one, other) != 0);
}

void config_reload(struct config *config, struct config *again, struct buf *taken,
		   struct buf *refused)
{
	for (size_t i = 0; i < config_flag_count; i++) {
		const struct flag *flag = &config_flags[i];
		char *before = config->given[i];

		if (flag->line_only || !text_differs(before, again->given[i]))
			continue;
		buf_printf(flag->reloads ? taken : refused, " %s", flag->name);
		if (!flag->reloads)
			continue;
		memcpy((char *)config + flag->offset, (char *)again + flag->offset,
		       sizeof(unsigned));
		config->given[i] = again->given[i];
		again->given[i] = before;
	}
}

static void help_flag(struct buf *out, const struct flag *flag)
{
	buf_printf(out, "  --%s", flag->name);
	if (flag->metavar)
		buf_printf(out, "=%s", flag->metavar);
	for (size_t i = 0; !flag->metavar && flag->choices[i]; i++)
		buf_printf(out, "%c%s", i ? '|' : '=', flag->choices[i]);
	buf_printf(out, "%s\n        %s", flag->repeats ? "..." : "", flag->help);
	if (flag->fallback && *flag->fallback)
		buf_printf(out, " (default %s)", flag->fallback);
	for (size_t i = 0; i < CONFIG_ENV_MAX && flag->env[i]; i++)
		buf_printf(out, "%s$%s", i ? ", " : "\n        or ", flag->env[i]);
	buf_append_char(out, '\n');
}

static const char help_head[] =
	"Usage: bunscope [FLAG]...\n"
	"       bunscope tail [--json|--spans] [FLAG]...\n"
	"       bunscope record FILE [--payload] [FLAG]...\n"
	"       bunscope replay FILE [--serve] [FLAG]...\n"
	"       bunscope doctor [--json] [FLAG]...\n"
	"       bunscope top [URL] [FLAG]...\n"
	"\n"
	"Watches the tools that a server runs in Bun child processes, from the kernel, and\n"
	"serves what it saw at /metrics until SIGINT or SIGTERM.\n"
	"tail prints the runs as they finish instead, one line each.\n"
	"record writes them to a new file; replay prints the metrics of such a file, without "
	"root.\n"
	"doctor tries what this kernel and these privileges allow, and says what to do "
	"about the rest.\n"
	"top shows the tools of a running agent, or of the one at URL, in a terminal; once when "
	"piped.\n"
	"\n"
	"Flags, as --flag=VALUE or --flag VALUE; those with ... may be repeated:\n";

static const char help_foot[] =
	"\n"
	"Ends with 0 when asked to, 1 when it failed, 2 when it was called wrongly; doctor with 0\n"
	"when the agent works in full, 1 in part, 2 not at all.\n";

void config_help(struct buf *out)
{
	buf_append_cstr(out, help_head);
	for (size_t i = 0; i < config_flag_count; i++)
		help_flag(out, &config_flags[i]);
	buf_append_cstr(out, help_foot);
}

void config_version(struct buf *out)
{
	buf_append_cstr(out, "bunscope " BUNSCOPE_VERSION " (revision " BUNSCOPE_REVISION ")\n");
}
