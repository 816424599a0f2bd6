/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of flags: behind the command line, the keys of the configuration file, and --help. */
#include "config.h"

#define CONFIG_CHOICES_MAX 7
#define CONFIG_ENV_MAX 2

#define FOR_RUN (1u << COMMAND_RUN)
#define FOR_TAIL (1u << COMMAND_TAIL)
#define FOR_RECORD (1u << COMMAND_RECORD)
#define FOR_REPLAY (1u << COMMAND_REPLAY)
#define FOR_DOCTOR (1u << COMMAND_DOCTOR)
#define FOR_WATCHING (FOR_RUN | FOR_TAIL | FOR_RECORD | FOR_DOCTOR) /* all that attach probes */
#define FOR_TOP (1u << COMMAND_TOP)
#define FOR_ALL (FOR_WATCHING | FOR_REPLAY) /* all that meet runs */

struct flag {
	const char *name; /* without dashes */
	const char *
		metavar; /* NULL: its value is one of choices, which --help lists, or it takes none */
	const char *fallback;  /* used when not given; of a list, words; NULL = none */
	unsigned commands;     /* FOR_… */
	bool repeats;	       /* a list */
	bool line_only;	       /* no key of the configuration file */
	bool reloads;	       /* SIGHUP changes it; an unsigned or an enum at offset */
	size_t offset;	       /* in struct config, of what a general setter stores */
	unsigned max;	       /* of a number */
	enum command constant; /* what set_command() stores */
	/*
	 * Stores a value in the config. 0; -ENOMEM; -EINVAL, with what is wrong in error: the rest
	 * of a line that begins with the flag's name.
	 */
	int (*set)(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error);
	const char *help;
	const char *choices[CONFIG_CHOICES_MAX]; /* in the order of the enum, NULL-terminated */
	/* Environment variables that stand for it where it is not given; the first one set counts. */
	const char *env[CONFIG_ENV_MAX];
	const char *env_unit; /* what goes behind such a variable's value; NULL = nothing */
};

extern const struct flag config_flags[];
extern const size_t config_flag_count;

bool flag_takes_value(const struct flag *flag);
/* name: n bytes, without dashes. NULL when there is none. */
const struct flag *flag_find(const char *name, size_t n);
/* Stores a value and notes that it was given; as flag->set(). */
int flag_give(struct config *config, const struct flag *flag, const char *value, struct buf *error);
bool flag_was_given(const struct config *config, const struct flag *flag);

/* General setters, of what stands at flag->offset. Texts: a char *, replaced. */
int flag_set_text(struct config *config, const struct flag *flag, const char *value,
		  struct buf *error);
int flag_set_url(struct config *config, const struct flag *flag, const char *value,
		 struct buf *error);
int flag_set_pairs(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error);
int flag_set_ratio(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error);
/* An unsigned of milliseconds, from 1 to flag->max. */
int flag_set_duration(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error);
