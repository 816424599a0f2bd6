/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the command line and the configuration file asked for; const once parsed, but for
 * config_reload(). The table in config_flags.c is behind parsing, --help and the error messages.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/log.h"
#include "config_otlp.h"

#define CONFIG_PATTERNS_MAX 16 /* globs that a flag takes: EXE_PATTERNS_MAX of include/limits.h */
#define CONFIG_LABEL_VALUES_MAX                                                                    \
	10000u		       /* most that --metrics.max-label-values allows: bounds memory */
#define CONFIG_PREFIX_BYTES 64 /* longest metric prefix */

#define CONFIG_FLAGS_MAX 96 /* room for what the table in config_flags.c grows to */

#define CONFIG_BASE_PATH_BYTES                                                                     \
	40		       /* longest --server.base-path: routes fit into ROUTE_WORDS with it */
#define CONFIG_RUNS_MAX 65536u /* most that --probe.max-runs allows: 256 MiB of kernel memory */
#define CONFIG_RING_BYTES_MAX (64u << 20) /* most that --probe.ring-bytes allows */

enum command {
	COMMAND_RUN,
	COMMAND_TAIL,
	COMMAND_RECORD,
	COMMAND_REPLAY,
	COMMAND_DOCTOR,
	COMMAND_TOP,
	COMMAND_HELP,	 /* print config_help() and end */
	COMMAND_VERSION, /* print config_version() and end */
};

enum config_track { CONFIG_TRACK_WORKERS, CONFIG_TRACK_ALL };
enum config_stdio { CONFIG_STDIO_AUTO, CONFIG_STDIO_FENTRY, CONFIG_STDIO_SYSCALL };

struct patterns {
	char *items[CONFIG_PATTERNS_MAX];
	size_t count;
};

struct config {
	enum command command;
	bool json;
	bool tail_spans;
	bool record_payload;
	bool replay_serves;
	bool check_only;       /* --check-config */
	char *config_file;     /* NULL = none */
	char *web_config_file; /* NULL = none: neither TLS nor passwords */
	char *file;	       /* of record and replay; of top, a URL or NULL; else NULL */
	char *listen_address;  /* as given, for messages */
	char *listen_host;     /* without brackets; "" = all addresses */
	char *listen_port;     /* decimal, 0 to 65535 */
	char *metrics_prefix;  /* "" = none */
	unsigned max_label_values;
	struct patterns exes;
	struct patterns workers;
	struct patterns server_exes;
	unsigned server_port;	/* 0 = any */
	char *base_path;	/* "" = none */
	struct patterns routes; /* empty: the first watched server's */
	enum config_track track;
	enum config_stdio stdio;
	unsigned max_runs;   /* runs under way that the kernel side can hold */
	unsigned ring_bytes; /* of finished runs on their way; a power of two */
	struct config_otlp otlp;
	unsigned owner_labels; /* bits 1u << enum owner_label: on the series of runs */
	char *pods_url;	       /* NULL = none: pods have no names */
	char *pods_token_file;
	char *pods_ca_file; /* NULL = the system's */
	unsigned shutdown_timeout_ms;
	enum log_level log_level;
	enum log_format log_format;
	/* By the flags' index: what was given of each, a line a value; NULL = its default stands. */
	char *given[CONFIG_FLAGS_MAX];
};

#define _cleanup_config_ __attribute__((cleanup(config_free)))

/*
 * args: what follows the program's name; reads --config=FILE, whose keys stand behind the flags of
 * the command line. 0, with a line in message for each environment variable that was ignored;
 * -EINVAL when it makes no sense, with one line in message (no newline) that says why; -ENOMEM.
 */
int config_parse(size_t count, char *const *args, struct config **ret, struct buf *message);
/*
 * Takes over from again, parsed from the same command line, what can change while the agent runs.
 * Appends the names of the flags that were taken, and of those that want a restart, each behind a
 * blank.
 */
void config_reload(struct config *config, struct config *again, struct buf *taken,
		   struct buf *refused);
/* Logs what config_parse() ignored. */
void config_warn(struct buf *message);
void config_free(struct config **config);
void config_help(struct buf *out);
void config_version(struct buf *out);
