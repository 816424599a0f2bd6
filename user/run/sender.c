/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sender.h"

#include <signal.h>

#include "run/text.h"

static uint32_t peer_pid(const struct stream *stream)
{
	return stream_peer_counts(stream) ? stream->peer.pid : 0;
}

bool run_is_server(const struct run *run, uint32_t pid)
{
	return pid && (pid == run->parent_pid || pid == peer_pid(&run->stdio[STDIO_IN]) ||
		       pid == peer_pid(&run->stdio[STDIO_OUT]));
}

/* Codes above SI_USER are the kernel's own (SI_KERNEL, SEGV_MAPERR), whoever was running then. */
static bool sent_by_process(const struct sent_signal *sent)
{
	return sent->pid && sent->code <= SI_USER;
}

enum sender run_sender(const struct run *run, unsigned signal)
{
	const struct sent_signal *sent = signal == SIGKILL ? &run->kill : &run->other;
	bool known = sent->number == signal;

	/* The OOM killer also marks a victim that somebody else has killed already. */
	if (signal == SIGKILL && run->oom_ns && !(known && sent_by_process(sent)))
		return SENDER_OOM;
	if (!known)
		return SENDER_OTHER;
	if (!sent_by_process(sent))
		return SENDER_KERNEL;
	if (sent->pid == run->key.tgid)
		return SENDER_SELF;
	return run_is_server(run, sent->pid) ? SENDER_SERVER : SENDER_OTHER;
}
