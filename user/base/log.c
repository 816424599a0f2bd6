/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/escape.h"

static enum log_level threshold = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_LOGFMT;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_setup(enum log_level level, enum log_format format)
{
	threshold = level;
	line_format = format;
}

bool log_enabled(enum log_level level)
{
	return level <= threshold;
}

static void append_time(struct buf *line)
{
	struct timespec now;
	struct tm utc;
	char text[32];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
	buf_append(line, text, n);
	buf_printf(line, ".%03ldZ", now.tv_nsec / 1000000);
}

void log_line(enum log_level level, const char *format, ...)
{
	_cleanup_buf_ struct buf message = {};
	_cleanup_buf_ struct buf line = {};
	char text[1024];
	va_list args;

	if (!log_enabled(level))
		return;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	json_append_string(&message, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);

	bool json = line_format == LOG_FORMAT_JSON;
	buf_append_cstr(&line, json ? "{\"time\":\"" : "time=");
	append_time(&line);
	buf_printf(&line,
		   json ? "\",\"level\":\"%s\",\"msg\":" : " level=%s msg=", level_names[level]);
	buf_append(&line, message.data, message.len);
	buf_append_cstr(&line, json ? "}\n" : "\n");
	if (buf_error(&line) == 0)
		(void)!write(STDERR_FILENO, line.data, line.len);
}
