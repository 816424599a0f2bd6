/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

static uint64_t number_of(const json_t *line, const char *key, uint64_t fallback)
{
	const json_t *value = json_object_get(line, key);

	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : fallback;
}

static const char *string_of(const json_t *line, const char *key, const char *fallback)
{
	const json_t *value = json_object_get(line, key);

	return json_is_string(value) ? json_string_value(value) : fallback;
}

static bool is_set(const json_t *line, const char *key)
{
	return json_is_true(json_object_get(line, key));
}

void job_from_json(const json_t *line, const struct settings *settings, struct job *ret_job)
{
	*ret_job = (struct job){
		.exe = string_of(line, "exe", settings->exe),
		.root = string_of(line, "root", settings->root),
		.script = string_of(line, "script", NULL),
		.tool = string_of(line, "tool", "sum"),
		.input = json_object_get(line, "input"),
		.request_file = string_of(line, "request_file", NULL),
		.cgroup = string_of(line, "cgroup", NULL),
		.timeout_ms = number_of(line, "timeout_ms", 60000),
		.deadline_ms = number_of(line, "deadline_ms", 0),
		.cancel_after_ms = number_of(line, "cancel_after_ms", 0),
		.input_pad_bytes = number_of(line, "input_pad_bytes", 0),
		.chunk_bytes = number_of(line, "chunk_bytes", 0),
		.chunk_pause_us = number_of(line, "chunk_pause_us", 0),
		.env_bytes = number_of(line, "env_bytes", 0),
		.count = number_of(line, "count", 1),
		.concurrency = number_of(line, "concurrency", 1),
		.no_descriptors = is_set(line, "no_descriptors"),
		.stdout_fault = is_set(line, "stdout_fault"),
		.stdin_file = is_set(line, "stdin_file"),
		.version_probe = is_set(line, "version_probe"),
	};
}
