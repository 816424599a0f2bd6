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

/* Where no reader was seen at all, nothing says that anybody was meant to read it. Who met its end has read it all. */
static bool stderr_unread(const struct run *run)
{
	const struct stream *err = &run->stdio[STDIO_ERR];

	return has_peer(err) && !(err->flags & STREAM_SHARED) && err->peer.pid &&
	       !err->peer.eof_ns && err->peer.bytes < err->self.bytes;
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
	if (!stderr_unread(run))
		return SETTLE_OVER;
	return age_ns >= SETTLE_GRACE_NS ? SETTLE_OVER_UNREAD : SETTLE_WAIT;
}

uint64_t run_settled_eof_ns(const struct run *run, unsigned streams)
{
	const struct stream *out = &run->stdio[STDIO_OUT];

	if (!has_peer(out) || out->peer.eof_ns || !out->peer.pid ||
	    out->peer.bytes < out->self.bytes ||
	    state_of(streams, STDIO_OUT) & (STREAM_HAS_WRITER | STREAM_HAS_BYTES))
		return out->peer.eof_ns;
	return out->peer.last_ns > run->exit_ns ? out->peer.last_ns : run->exit_ns;
}
