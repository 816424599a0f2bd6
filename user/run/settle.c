/* SPDX-License-Identifier: Apache-2.0 */
#include "run/settle.h"

#include <stdbool.h>

#include "run/classify.h"

static bool has_peer(const struct stream *stream)
{
	return stream->kind == STDIO_KIND_PIPE || stream->kind == STDIO_KIND_UNIX;
}

static unsigned state_of(unsigned streams, enum stdio_index index)
{
	return streams >> (index * STREAM_STATE_BITS) & ((1u << STREAM_STATE_BITS) - 1);
}

/* Something that a server does when it will not read the reply any more. */
static bool server_gave_up(const struct run *run)
{
	return run->kill.pid || run->stdio[STDIO_IN].peer.error ||
	       run->stdio[STDIO_OUT].peer.error ||
	       run->stdio[STDIO_OUT].peer.bytes > STDOUT_LIMIT_BYTES;
}

/* No transfer of a process that we watch: whoever reads cannot be seen to meet the end. */
static bool server_unseen(const struct run *run)
{
	return !run->stdio[STDIO_IN].peer.pid && !run->stdio[STDIO_OUT].peer.pid;
}

static bool stdout_settled(const struct run *run, unsigned state, uint64_t age_ns)
{
	const struct stream *out = &run->stdio[STDIO_OUT];

	if (!has_peer(out) || out->peer.eof_ns || out->flags & STREAM_SHARED)
		return true;
	if (!(state & STREAM_HAS_READER))
		return true;
	if (!(state & STREAM_HAS_WRITER) && (server_gave_up(run) || server_unseen(run)))
		return age_ns >= SETTLE_GRACE_NS;
	return age_ns >= SETTLE_ORPHAN_NS;
}

static bool stderr_unread(const struct run *run, unsigned state)
{
	const struct stream *err = &run->stdio[STDIO_ERR];

	if (!has_peer(err) || err->flags & STREAM_SHARED)
		return false;
	if (err->peer.pid)
		return err->peer.bytes < err->self.bytes;
	return err->self.bytes && state & STREAM_HAS_BYTES;
}

enum settle run_settle(const struct run *run, unsigned streams, uint64_t now_ns)
{
	if (run->over)
		return SETTLE_OVER;
	if (!run->exit_ns || now_ns < run->exit_ns)
		return SETTLE_WAIT;

	uint64_t age_ns = now_ns - run->exit_ns;
	if (!run->gone_ns && age_ns < SETTLE_GRACE_NS)
		return SETTLE_WAIT;
	if (!stdout_settled(run, state_of(streams, STDIO_OUT), age_ns))
		return SETTLE_WAIT;
	unsigned err = state_of(streams, STDIO_ERR);
	if (!stderr_unread(run, err))
		return SETTLE_OVER;
	return age_ns >= SETTLE_GRACE_NS ? SETTLE_OVER_UNREAD : SETTLE_WAIT;
}
