/* SPDX-License-Identifier: Apache-2.0 */
#include "run/decode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

/* MAX_ERRNO and _NSIG of every Linux that Bun runs on. */
#define ERRNO_MAX 4095
#define SIGNAL_MAX 64
#define WAIT_STATUS_MAX 0xffff

#define X(name, value) [DECODE_##name] = value,
const char *const decode_error_names[DECODE_COUNT] = {[DECODE_OK] = "", DECODE_ERRORS(X)};
#undef X

static bool flow_in_bounds(const struct flow *flow)
{
	return flow->error <= 0 && flow->error >= -ERRNO_MAX;
}

static bool stream_in_bounds(const struct stream *stream)
{
	return stream->kind <= STDIO_KIND_OTHER && flow_in_bounds(&stream->self) &&
	       flow_in_bounds(&stream->peer);
}

static bool run_in_bounds(const struct run *run)
{
	for (int i = 0; i < STDIO_COUNT; i++) {
		if (!stream_in_bounds(&run->stdio[i]))
			return false;
	}
	return run->args_bytes <= ARGS_BYTES && run->kill.number <= SIGNAL_MAX &&
	       run->other.number <= SIGNAL_MAX && run->exit_code >= 0 &&
	       run->exit_code <= WAIT_STATUS_MAX;
}

/*
 * Transfers are compared neither with the fork, on a shared pipe they may be older than the run, nor with each
 * other: two threads may account theirs at the same time.
 */
static bool run_in_order(const struct run *run)
{
	const uint64_t after_fork[] = {run->exec_ns, run->exit_ns, run->gone_ns, run->main_exit_ns};

	for (size_t i = 0; i < ARRAY_SIZE(after_fork); i++) {
		if (after_fork[i] && after_fork[i] < run->key.start_ns)
			return false;
	}
	return true;
}

static bool run_texts_end(const struct run *run)
{
	return memchr(run->exe, '\0', sizeof(run->exe)) &&
	       memchr(run->name, '\0', sizeof(run->name));
}

enum decode_error run_decode(const void *bytes, size_t n, const struct run **ret)
{
	const struct run *run = bytes;

	if (n != sizeof(*run) || (uintptr_t)bytes % _Alignof(struct run))
		return DECODE_SIZE;
	if (!run->key.tgid || !run->key.start_ns)
		return DECODE_KEY;
	if (!run_in_bounds(run))
		return DECODE_BOUNDS;
	if (!run_in_order(run))
		return DECODE_TIMES;
	if (!run_texts_end(run))
		return DECODE_TEXT;
	*ret = run;
	return DECODE_OK;
}
