/* SPDX-License-Identifier: Apache-2.0 */
#include "config_flags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "exec/route.h"
#include "include/limits.h"
#include "kernel/pattern.h"
#include "sink/owner.h"

_Static_assert(CONFIG_PATTERNS_MAX == EXE_PATTERNS_MAX, "the kernel side takes as many patterns");
_Static_assert(sizeof(enum config_track) == sizeof(unsigned), "set_choice() stores an unsigned");
_Static_assert(SAMPLER_COUNT < CONFIG_CHOICES_MAX, "a NULL behind them");

#define PORT_MAX 65535ul

static int replace_string(char **string, const char *bytes, size_t n)
{
	char *copy = strndup(bytes, n);

	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end = NULL;

	/* strtoul() alone takes blanks and signs. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* The host part of HOST:PORT, without brackets. False when an IPv6 address lacks them. */
static bool host_split(const char *text, const char *colon, const char **ret_host, size_t *ret_n)
{
	size_t n = (size_t)(colon - text);

	if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
		text++;
		n -= 2;
		if (n == 0)
			return false;
	} else if (memchr(text, ':', n)) {
		return false;
	}
	if (memchr(text, '[', n) || memchr(text, ']', n))
		return false;
	*ret_host = text;
	*ret_n = n;
	return true;
}

static int set_address(struct config *config, const struct flag *flag, const char *value,
		       struct buf *error)
{
	const char *colon = strrchr(value, ':');
	const char *host = NULL;
	unsigned long port;
	size_t n = 0;

	(void)flag;
	if (!colon || !host_split(value, colon, &host, &n)) {
		buf_printf(error, "'%s' is not HOST:PORT, :PORT or [IPV6]:PORT", value);
		return -EINVAL;
	}
	if (parse_number(colon + 1, PORT_MAX, &port) < 0) {
		buf_printf(error, "'%s' is not a port from 0 to %lu", colon + 1, PORT_MAX);
		return -EINVAL;
	}

	int r = replace_string(&config->listen_host, host, n);
	if (r == 0)
		r = replace_string(&config->listen_port, colon + 1, strlen(colon + 1));
	if (r == 0)
		r = replace_string(&config->listen_address, value, strlen(value));
	return r;
}

static int set_prefix(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t n = strlen(value);

	(void)flag;
	if (n > CONFIG_PREFIX_BYTES) {
		buf_printf(error, "is longer than %d characters", CONFIG_PREFIX_BYTES);
		return -EINVAL;
	}
	if (n && (!strchr(letters, *value) || strspn(value, others) != n)) {
		buf_printf(error, "'%s' cannot begin a metric name; use letters, digits and _",
			   value);
		return -EINVAL;
	}
	return replace_string(&config->metrics_prefix, value, n);
}

/* A number from 1 to flag->max. */
static int set_number(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error)
{
	unsigned long number = 0;

	if (parse_number(value, flag->max, &number) < 0 || number == 0) {
		buf_printf(error, "'%s' is not a number from 1 to %u", value, flag->max);
		return -EINVAL;
	}
	*(unsigned *)((char *)config + flag->offset) = (unsigned)number;
	return 0;
}

/* The kernel takes no other sizes of a ring than powers of two of whole pages. */
static int set_ring_bytes(struct config *config, const struct flag *flag, const char *value,
			  struct buf *error)
{
	unsigned page = (unsigned)sysconf(_SC_PAGESIZE);
	int r = set_number(config, flag, value, error);

	if (r < 0)
		return r;
	if (config->ring_bytes < page || config->ring_bytes & (config->ring_bytes - 1)) {
		buf_printf(error, "'%s' is not a power of two of at least %u", value, page);
		return -EINVAL;
	}
	return 0;
}

static int set_pattern(struct config *config, const struct flag *flag, const char *value,
		       struct buf *error)
{
	struct patterns *patterns = (struct patterns *)((char *)config + flag->offset);

	if (*value == '\0') {
		buf_append_cstr(error, "an empty glob matches nothing");
		return -EINVAL;
	}
	if (patterns->count == CONFIG_PATTERNS_MAX) {
		buf_printf(error, "given more than %d times", CONFIG_PATTERNS_MAX);
		return -EINVAL;
	}
	char *copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	patterns->items[patterns->count++] = copy;
	return 0;
}

/* One that the kernel side's filter can take, too. */
static int set_exe(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error)
{
	struct exe_pattern pattern;

	if (pattern_from_glob(value, &pattern) == -E2BIG) {
		buf_printf(error,
			   "'%s' has more than %d characters before its first or behind its last "
			   "wildcard",
			   value, EXE_LITERAL_BYTES);
		return -EINVAL;
	}
	return set_pattern(config, flag, value, error);
}

/* The kernel side compares a pattern's two ends and nothing in between. */
static int set_server_exe(struct config *config, const struct flag *flag, const char *value,
			  struct buf *error)
{
	if (strpbrk(value, "?[\\") || strchr(value, '*') != strrchr(value, '*')) {
		buf_printf(error, "'%s' has more than one *, or other wildcards", value);
		return -EINVAL;
	}
	return set_exe(config, flag, value, error);
}

static int set_base_path(struct config *config, const struct flag *flag, const char *value,
			 struct buf *error)
{
	size_t n = strlen(value);

	(void)flag;
	if (n && (*value != '/' || value[n - 1] == '/' || strpbrk(value, " \t{}?#"))) {
		buf_printf(error, "'%s' is no path like /api/v0", value);
		return -EINVAL;
	}
	if (n > CONFIG_BASE_PATH_BYTES) {
		buf_printf(error, "is longer than %d characters", CONFIG_BASE_PATH_BYTES);
		return -EINVAL;
	}
	return replace_string(&config->base_path, value, n);
}

static int set_route(struct config *config, const struct flag *flag, const char *value,
		     struct buf *error)
{
	const char *wrong = "";
	struct routes routes = {};

	if (routes_add(&routes, "", value, &wrong) < 0) {
		buf_printf(error, "'%s' %s", value, wrong);
		return -EINVAL;
	}
	return set_pattern(config, flag, value, error);
}

static int set_choice(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error)
{
	for (unsigned i = 0; flag->choices[i]; i++) {
		if (strcmp(flag->choices[i], value) == 0) {
			memcpy((char *)config + flag->offset, &i, sizeof(i));
			return 0;
		}
	}
	buf_printf(error, "'%s' is not one of ", value);
	for (unsigned i = 0; flag->choices[i]; i++)
		buf_printf(error, "%s%s", i ? ", " : "", flag->choices[i]);
	return -EINVAL;
}

static int set_json(struct config *config, const struct flag *flag, const char *value,
		    struct buf *error)
{
	(void)flag;
	(void)value;
	(void)error;
	config->json = true;
	return 0;
}

static int set_spans(struct config *config, const struct flag *flag, const char *value,
		     struct buf *error)
{
	(void)flag;
	(void)value;
	(void)error;
	config->tail_spans = true;
	return 0;
}

static int set_payload(struct config *config, const struct flag *flag, const char *value,
		       struct buf *error)
{
	(void)flag;
	(void)value;
	(void)error;
	config->record_payload = true;
	return 0;
}

static int set_serve(struct config *config, const struct flag *flag, const char *value,
		     struct buf *error)
{
	(void)flag;
	(void)value;
	(void)error;
	config->replay_serves = true;
	return 0;
}

static int set_check_only(struct config *config, const struct flag *flag, const char *value,
			  struct buf *error)
{
	(void)flag;
	(void)value;
	(void)error;
	config->check_only = true;
	return 0;
}

static int set_path(struct config *config, const struct flag *flag, const char *value,
		    struct buf *error)
{
	if (*value == '\0') {
		buf_append_cstr(error, "needs the name of a file");
		return -EINVAL;
	}
	return replace_string((char **)((char *)config + flag->offset), value, strlen(value));
}

static int add_label(struct config *config, const char *name, size_t n)
{
	for (unsigned i = 0; i < OWNER_LABEL_COUNT; i++) {
		unsigned bit = 1u << i;

		if (strlen(owner_label_names[i]) != n || memcmp(owner_label_names[i], name, n) != 0)
			continue;
		if (config->owner_labels & bit)
			return -EINVAL;
		config->owner_labels |= bit;
		return 0;
	}
	return -EINVAL;
}

static int set_labels(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error)
{
	(void)flag;
	config->owner_labels = 0;
	for (const char *name = value;; name++) {
		size_t n = strcspn(name, ",");

		if (add_label(config, name, n) < 0) {
			buf_printf(error, "'%s' is not a list of namespace, pod and container",
				   value);
			return -EINVAL;
		}
		name += n;
		if (!*name)
			return 0;
	}
}

static int set_command(struct config *config, const struct flag *flag, const char *value,
		       struct buf *error)
{
	(void)value;
	(void)error;
	config->command = flag->constant;
	return 0;
}

const struct flag config_flags[] = {
	{
		.name = "config",
		.metavar = "FILE",
		.commands = FOR_ALL | FOR_TOP,
		.line_only = true,
		.offset = offsetof(struct config, config_file),
		.set = set_path,
		.help = "YAML with a key for each flag; the command line comes first",
	},
	{
		.name = "check-config",
		.commands = FOR_ALL,
		.line_only = true,
		.set = set_check_only,
		.help = "read the configuration and the files it names, say what is wrong, and end",
	},
	{
		.name = "web.listen-address",
		.metavar = "HOST:PORT",
		.fallback = "127.0.0.1:9477",
		.commands = FOR_RUN | FOR_TOP | FOR_REPLAY,
		.set = set_address,
		.help = "where the agent serves and top asks; :PORT for all, [IPV6]:PORT",
	},
	{
		.name = "web.config.file",
		.metavar = "FILE",
		.commands = FOR_RUN | FOR_REPLAY,
		.offset = offsetof(struct config, web_config_file),
		.set = set_path,
		.help = "TLS, client certificates and passwords, in the format of Prometheus' "
			"exporters",
	},
	{
		.name = "metrics.prefix",
		.metavar = "TEXT",
		.fallback = "",
		.commands = FOR_RUN | FOR_REPLAY,
		.set = set_prefix,
		.help = "goes before every metric name but bunscope_* and process_*",
	},
	{
		.name = "metrics.max-label-values",
		.metavar = "N",
		.fallback = "500",
		.commands = FOR_RUN | FOR_REPLAY,
		.offset = offsetof(struct config, max_label_values),
		.max = CONFIG_LABEL_VALUES_MAX,
		.set = set_number,
		.help = "values that an open label may have; later ones become _other",
	},
	{
		.name = "bun.exe",
		.metavar = "GLOB",
		.fallback = "bun bun.exe bunx bun-profile bun-debug",
		.commands = FOR_ALL,
		.repeats = true,
		.offset = offsetof(struct config, exes),
		.set = set_exe,
		.help = "Bun's executables; without /: base names",
	},
	{
		.name = "worker",
		.metavar = "GLOB",
		.fallback = "*/bun_worker.ts",
		.commands = FOR_ALL,
		.repeats = true,
		.offset = offsetof(struct config, workers),
		.set = set_pattern,
		.help = "scripts whose processes are runs, whatever their request",
	},
	{
		.name = "server.exe",
		.metavar = "GLOB",
		.commands = FOR_WATCHING,
		.repeats = true,
		.offset = offsetof(struct config, server_exes),
		.set = set_server_exe,
		.help = "servers whose HTTP is counted before they start Bun; one * at most",
	},
	{
		.name = "server.port",
		.metavar = "N",
		.commands = FOR_WATCHING,
		.offset = offsetof(struct config, server_port),
		.max = PORT_MAX,
		.set = set_number,
		.help = "whoever listens on this TCP port is such a server, too",
	},
	{
		.name = "server.base-path",
		.metavar = "PATH",
		.fallback = "/api/v0",
		.commands = FOR_WATCHING,
		.set = set_base_path,
		.help = "goes before the path of every route",
	},
	{
		.name = "server.route",
		.metavar = "ROUTE",
		.commands = FOR_WATCHING,
		.repeats = true,
		.offset = offsetof(struct config, routes),
		.set = set_route,
		.help = "'METHOD /PATH/{id} KIND OPERATION', instead of the known ones",
	},
	{
		.name = "track",
		.fallback = "workers",
		.commands = FOR_ALL,
		.offset = offsetof(struct config, track),
		.set = set_choice,
		.help = "all: every Bun process that a server starts and talks to is a run",
		.choices = {"workers", "all"},
	},
	{
		.name = "probe.stdio",
		.fallback = "auto",
		.commands = FOR_WATCHING,
		.offset = offsetof(struct config, stdio),
		.set = set_choice,
		.help = "how standard streams are observed",
		.choices = {"auto", "fentry", "syscall"},
	},
	{
		.name = "probe.max-runs",
		.metavar = "N",
		.fallback = "4096",
		.commands = FOR_WATCHING,
		.offset = offsetof(struct config, max_runs),
		.max = CONFIG_RUNS_MAX,
		.set = set_number,
		.help = "Bun processes at once, 4 KiB of kernel memory each; more are lost and "
			"counted",
	},
	{
		.name = "probe.ring-bytes",
		.metavar = "N",
		.fallback = "524288",
		.commands = FOR_WATCHING,
		.offset = offsetof(struct config, ring_bytes),
		.max = CONFIG_RING_BYTES_MAX,
		.set = set_ring_bytes,
		.help = "ring for finished runs; what it cannot take is swept a moment later",
	},
	{
		.name = "otlp.endpoint",
		.metavar = "URL",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.endpoint),
		.set = flag_set_url,
		.help = "collector that gets spans, at URL/v1/traces; none: no spans",
		.env = {"OTEL_EXPORTER_OTLP_ENDPOINT"},
	},
	{
		.name = "otlp.traces-endpoint",
		.metavar = "URL",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.traces_endpoint),
		.set = flag_set_url,
		.help = "the same as a whole URL, before --otlp.endpoint",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
	},
	{
		.name = "otlp.protocol",
		.fallback = "http/protobuf",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.protocol),
		.set = set_choice,
		.help = "how spans are encoded",
		.choices = {"http/protobuf", "http/json"},
		.env = {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"},
	},
	{
		.name = "otlp.compression",
		.fallback = "gzip",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.compression),
		.set = set_choice,
		.help = "of what is sent",
		.choices = {"gzip", "none"},
		.env = {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"},
	},
	{
		.name = "otlp.headers",
		.metavar = "NAME=VALUE,...",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.headers),
		.set = flag_set_pairs,
		.help = "sent along, values percent-encoded",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"},
	},
	{
		.name = "otlp.certificate",
		.metavar = "FILE",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.ca_file),
		.set = flag_set_text,
		.help = "PEM of whom to trust, instead of the system's",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"},
	},
	{
		.name = "otlp.client-certificate",
		.metavar = "FILE",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.client_cert),
		.set = flag_set_text,
		.help = "PEM of our own certificate",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"},
	},
	{
		.name = "otlp.client-key",
		.metavar = "FILE",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.client_key),
		.set = flag_set_text,
		.help = "PEM of its key",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"},
	},
	{
		.name = "otlp.timeout",
		.metavar = "TIME",
		.fallback = "10s",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.timeout_ms),
		.max = 600000,
		.set = flag_set_duration,
		.help = "for one try to send a batch",
		.env = {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"},
		.env_unit = "ms",
	},
	{
		.name = "otlp.give-up",
		.metavar = "TIME",
		.fallback = "5m",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.give_up_ms),
		.max = 3600000,
		.set = flag_set_duration,
		.help = "after which a batch is dropped, all tries together",
		.env = {"OTEL_BSP_EXPORT_TIMEOUT"},
		.env_unit = "ms",
	},
	{
		.name = "otlp.batch-delay",
		.metavar = "TIME",
		.fallback = "5s",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.delay_ms),
		.max = 600000,
		.set = flag_set_duration,
		.help = "that a span waits for others at most",
		.env = {"OTEL_BSP_SCHEDULE_DELAY"},
		.env_unit = "ms",
	},
	{
		.name = "otlp.batch-size",
		.metavar = "N",
		.fallback = "512",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.batch_max),
		.max = CONFIG_QUEUE_MAX,
		.set = set_number,
		.help = "spans that are sent at once",
		.env = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE"},
	},
	{
		.name = "otlp.queue-size",
		.metavar = "N",
		.fallback = "2048",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.queue_max),
		.max = CONFIG_QUEUE_MAX,
		.set = set_number,
		.help = "spans that wait; more are dropped and counted",
		.env = {"OTEL_BSP_MAX_QUEUE_SIZE"},
	},
	{
		.name = "otlp.sampler",
		.metavar = "NAME",
		.fallback = "parentbased_always_on",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.sampler),
		.set = set_choice,
		.help = "which traces are exported: always_on, always_off, traceidratio, or\n"
			"        parentbased_ and one of these",
#define X(name, value) value,
		.choices = {SAMPLERS(X)},
#undef X
		.env = {"OTEL_TRACES_SAMPLER"},
	},
	{
		.name = "otlp.sampler-arg",
		.metavar = "RATIO",
		.fallback = "1",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.sampler_ratio),
		.set = flag_set_ratio,
		.help = "part of the traces that a ratio sampler takes, 0 to 1",
		.env = {"OTEL_TRACES_SAMPLER_ARG"},
	},
	{
		.name = "otlp.keep-notable",
		.fallback = "on",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.keep),
		.set = set_choice,
		.help = "export errors, timeouts and the slowest, whatever the sampler says",
		.choices = {"on", "off"},
	},
	{
		.name = "otlp.service-name",
		.metavar = "TEXT",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.service_name),
		.set = flag_set_text,
		.help = "service.name of the spans; without any, bunscope",
		.env = {"OTEL_SERVICE_NAME"},
	},
	{
		.name = "otlp.resource-attributes",
		.metavar = "KEY=VALUE,...",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, otlp.resource_attributes),
		.set = flag_set_pairs,
		.help = "of all spans, values percent-encoded",
		.env = {"OTEL_RESOURCE_ATTRIBUTES"},
	},
	{
		.name = "labels",
		.metavar = "NAME,...",
		.commands = FOR_RUN,
		.set = set_labels,
		.help = "of namespace, pod and container, on each series of runs",
	},
	{
		.name = "kubernetes.pods-url",
		.metavar = "URL",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, pods_url),
		.set = flag_set_url,
		.help = "this node's pods: the kubelet's /pods, or the API server's list; none: no "
			"names",
	},
	{
		.name = "kubernetes.token-file",
		.metavar = "FILE",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, pods_token_file),
		.set = set_path,
		.help = "bearer token to ask with, read again each time",
	},
	{
		.name = "kubernetes.ca-file",
		.metavar = "FILE",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, pods_ca_file),
		.set = set_path,
		.help = "PEM of whom to trust there, instead of the system's",
	},
	{
		.name = "shutdown-timeout",
		.metavar = "TIME",
		.fallback = "5s",
		.commands = FOR_RUN,
		.offset = offsetof(struct config, shutdown_timeout_ms),
		.max = 600000,
		.set = flag_set_duration,
		.help = "at SIGTERM, to send what spans are left",
	},
	{
		.name = "log.level",
		.fallback = "info",
		.commands = FOR_ALL | FOR_TOP,
		.reloads = true,
		.offset = offsetof(struct config, log_level),
		.set = set_choice,
		.help = "least severe line that is logged",
		.choices = {"error", "warn", "info", "debug"},
	},
	{
		.name = "log.format",
		.fallback = "logfmt",
		.commands = FOR_ALL | FOR_TOP,
		.reloads = true,
		.offset = offsetof(struct config, log_format),
		.set = set_choice,
		.help = "form of log lines, on standard error",
		.choices = {"logfmt", "json"},
	},
	{
		.name = "json",
		.commands = FOR_TAIL | FOR_DOCTOR,
		.set = set_json,
		.help = "with tail: one JSON object a line; with doctor: one for all",
	},
	{
		.name = "spans",
		.commands = FOR_TAIL,
		.line_only = true,
		.set = set_spans,
		.help = "with tail: each finished trace as a tree",
	},
	{
		.name = "payload",
		.commands = FOR_RECORD,
		.set = set_payload,
		.help = "with record: keep what was captured of requests, replies and command "
			"lines",
	},
	{
		.name = "serve",
		.commands = FOR_REPLAY,
		.line_only = true,
		.set = set_serve,
		.help = "with replay: serve /metrics as if the runs ended now, at the pace in "
			"which "
			"they did",
	},
	{
		.name = "help",
		.commands = FOR_ALL | FOR_TOP,
		.line_only = true,
		.constant = COMMAND_HELP,
		.set = set_command,
		.help = "print this and end",
	},
	{
		.name = "version",
		.commands = FOR_ALL | FOR_TOP,
		.line_only = true,
		.constant = COMMAND_VERSION,
		.set = set_command,
		.help = "print the version and end",
	},
};

const size_t config_flag_count = ARRAY_SIZE(config_flags);

_Static_assert(ARRAY_SIZE(config_flags) <= CONFIG_FLAGS_MAX, "struct config has a slot for each");

bool flag_takes_value(const struct flag *flag)
{
	return flag->metavar || flag->choices[0];
}

const struct flag *flag_find(const char *name, size_t n)
{
	for (size_t i = 0; i < config_flag_count; i++) {
		const char *known = config_flags[i].name;

		if (strlen(known) == n && memcmp(known, name, n) == 0)
			return &config_flags[i];
	}
	return NULL;
}

bool flag_was_given(const struct config *config, const struct flag *flag)
{
	return config->given[flag - config_flags] != NULL;
}

/* Values are kept a line each: those of a list are all compared. */
static int given_add(char **given, const char *value)
{
	_cleanup_buf_ struct buf text = {};

	if (*given)
		buf_append_cstr(&text, *given);
	buf_append_cstr(&text, value);
	buf_append_char(&text, '\n');
	return replace_string(given, buf_cstr(&text), text.len);
}

int flag_give(struct config *config, const struct flag *flag, const char *value, struct buf *error)
{
	int r = flag->set(config, flag, value, error);

	return r < 0 ? r : given_add(&config->given[flag - config_flags], value ? value : "");
}
