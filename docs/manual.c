/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the man page, or the completion for bash, from the table of flags. `make install` runs it. */
#include <stdio.h>
#include <string.h>

#include "config_flags.h"

struct text {
	const char *name;
	const char *what;
};

static const struct text commands[] = {
	{"tail", "print runs as they finish, one line each"},
	{"top", "the tools of a running agent, live"},
	{"doctor", "say what works on this machine, and what to do about the rest"},
	{"record FILE", "write the runs to a new file"},
	{"replay FILE", "print the metrics of such a file, or serve them; without root"},
};

static const char head[] =
	".TH BUNSCOPE 8 \"\" \"bunscope " BUNSCOPE_VERSION "\" \"System administration\"\n"
	".ad l\n" /* a long word has no blanks to stretch */
	".SH NAME\n"
	"bunscope \\- metrics of the tools that a server runs in Bun, from the kernel\n"
	".SH SYNOPSIS\n"
	".B bunscope\n"
	".RI [ COMMAND ]\n"
	".RI [ FLAG ...]\n"
	".SH DESCRIPTION\n"
	"Watches with BPF every tool that a server runs in a Bun child process, and serves what it "
	"saw as Prometheus metrics until SIGINT or SIGTERM. Nothing in the server changes. Without "
	"a command it serves; the commands are:\n";

static const char foot[] =
	".SH SIGNALS\n"
	".TP\n"
	".B SIGHUP\n"
	"Reads the configuration again; the log says what changed, and what wants a restart.\n"
	".TP\n"
	".BR SIGINT \", \" SIGTERM\n"
	"End it. Everything that it attached goes with it.\n"
	".SH EXIT STATUS\n"
	"0: ended as asked. 1: it failed. 2: usage or configuration.\n"
	".SH FILES\n"
	".TP\n"
	".I /etc/bunscope/bunscope.yml\n"
	"What the systemd unit gives to\n"
	".BR \\-\\-config :\n"
	"YAML with a key for each flag.\n"
	".SH SEE ALSO\n"
	".BR prometheus (1),\n"
	".BR bpf (2),\n"
	".BR capabilities (7)\n";

/* A hyphen is a dash to troff, and a line that begins with a dot is a request. */
static void print_escaped(const char *text)
{
	if (*text == '.' || *text == '\'')
		(void)fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '-')
			(void)fputs("\\-", stdout);
		else if (*text == '\\')
			(void)fputs("\\e", stdout);
		else
			(void)putchar(*text);
	}
}

static void print_value(const struct flag *flag)
{
	if (flag->metavar)
		printf("=\\fI%s\\fR", flag->metavar);
	for (size_t i = 0; flag->choices[i]; i++) {
		(void)putchar(i ? '|' : '=');
		print_escaped(flag->choices[i]);
	}
	if (flag->repeats)
		printf(" ...");
}

static void print_flag(const struct flag *flag)
{
	printf(".TP\n\\fB\\-\\-");
	print_escaped(flag->name);
	printf("\\fR");
	print_value(flag);
	(void)putchar('\n');
	print_escaped(flag->help);
	if (flag->fallback && *flag->fallback) {
		printf(" (default ");
		print_escaped(flag->fallback);
		(void)putchar(')');
	}
	(void)putchar('\n');
}

static void print_manual(void)
{
	(void)fputs(head, stdout);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf(".TP\n.B %s\n%s\n", commands[i].name, commands[i].what);
	printf(".SH FLAGS\nAs \\-\\-flag=VALUE or \\-\\-flag VALUE; those with ... may be "
	       "repeated.\n");
	for (size_t i = 0; i < config_flag_count; i++)
		print_flag(&config_flags[i]);
	(void)fputs(foot, stdout);
}

/* A case for each flag whose value is one of a few, or a file. */
static void print_case(const struct flag *flag)
{
	bool is_file = flag->metavar && strcmp(flag->metavar, "FILE") == 0;

	if (!is_file && !flag->choices[0])
		return;
	printf("\t--%s)\n\t\tCOMPREPLY=($(compgen ", flag->name);
	if (is_file)
		printf("-f");
	for (size_t i = 0; flag->choices[i]; i++)
		printf("%s%s", i ? " " : "-W \"", flag->choices[i]);
	printf("%s -- \"$word\"))\n\t\treturn\n\t\t;;\n", is_file ? "" : "\"");
}

static void print_completion(void)
{
	printf("# bash completion for bunscope, generated from its table of flags\n"
	       "_bunscope()\n{\n"
	       "\tlocal word flag\n"
	       "\tCOMPREPLY=()\n"
	       "\tword=${COMP_WORDS[COMP_CWORD]}\n"
	       "\tflag=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\t# = is a word of its own to bash\n"
	       "\tif [ \"$word\" = \"=\" ]; then\n\t\tword=\n"
	       "\telif [ \"$flag\" = \"=\" ]; then\n\t\tflag=${COMP_WORDS[COMP_CWORD-2]}\n\tfi\n"
	       "\tcase $flag in\n");
	for (size_t i = 0; i < config_flag_count; i++)
		print_case(&config_flags[i]);
	printf("\trecord | replay)\n\t\tCOMPREPLY=($(compgen -f -- "
	       "\"$word\"))\n\t\treturn\n\t\t;;\n"
	       "\tesac\n\tCOMPREPLY=($(compgen -W \"");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("%.*s ", (int)strcspn(commands[i].name, " "), commands[i].name);
	for (size_t i = 0; i < config_flag_count; i++)
		printf("%s--%s%s", i ? " " : "", config_flags[i].name,
		       flag_takes_value(&config_flags[i]) ? "=" : "");
	printf("\" -- \"$word\"))\n"
	       "\tif [ \"${COMPREPLY[0]: -1}\" = \"=\" ]; then\n\t\tcompopt -o nospace\n\tfi\n"
	       "}\ncomplete -F _bunscope bunscope\n");
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "man") == 0)
		print_manual();
	else if (argc == 2 && strcmp(argv[1], "bash") == 0)
		print_completion();
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
