/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The table of flags: from it config.c parses the command line and prints --help. */
#include "config.h"

#define CONFIG_FLAGS_MAX 64 /* config.c keeps a bit for each */
#define CONFIG_CHOICES_MAX 5

#define FOR_RUN (1u << COMMAND_RUN)
#define FOR_TAIL (1u << COMMAND_TAIL)
#define FOR_RECORD (1u << COMMAND_RECORD)
#define FOR_REPLAY (1u << COMMAND_REPLAY)
#define FOR_DOCTOR (1u << COMMAND_DOCTOR)
#define FOR_WATCHING (FOR_RUN | FOR_TAIL | FOR_RECORD | FOR_DOCTOR) /* all that attach probes */
#define FOR_ALL (FOR_WATCHING | FOR_REPLAY)

struct flag {
	const char *name;      /* without dashes */
	const char *metavar;   /* NULL: its value is one of choices, or it takes none */
	const char *fallback;  /* used when not given; of a list, words; NULL = none */
	unsigned commands;     /* FOR_… */
	bool repeats;	       /* a list */
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
};

extern const struct flag config_flags[];
extern const size_t config_flag_count;

bool flag_takes_value(const struct flag *flag);
