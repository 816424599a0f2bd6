/* SPDX-License-Identifier: Apache-2.0 */
#include "run/situation.h"

#include <errno.h>
#include <signal.h>

#include "run/classify.h"
#include "run/text.h"

bool never_ran(const struct facts *facts)
{
	return !(facts->run->flags & (RUN_CONFIRMED | RUN_COMMITTED | RUN_ADOPTED));
}

static bool reader_is_gone(int error)
{
	return error == -EPIPE || error == -ECONNRESET;
}

/* The server met a closed stdin while it was writing the request. */
static bool request_was_refused(const struct facts *facts)
{
	const struct stream *in = &facts->run->stdio[STDIO_IN];

	return stream_peer_counts(in) && reader_is_gone(in->peer.error);
}

/*
 * The server was still writing. A run that met the end of its stdin got all there was; of one that
 * did not, the text tells: a request is one JSON object, and what is missing is missing at its end.
 */
static bool request_is_unfinished(const struct facts *facts)
{
	const struct stream *in = &facts->run->stdio[STDIO_IN];

	return stream_peer_counts(in) && !in->self.eof_ns && !facts->request.complete;
}

static bool server_kill(const struct facts *facts)
{
	return facts->signal == SIGKILL && facts->sender == SENDER_SERVER;
}

static bool deadline_kill(const struct facts *facts)
{
	return server_kill(facts) && facts->run->kill.ns + DEADLINE_WINDOW_NS >= facts->deadline_ns;
}

static bool deadline_on_stdin(const struct facts *facts)
{
	return deadline_kill(facts) && (request_was_refused(facts) || request_is_unfinished(facts));
}

static bool cancelled_on_stdin(const struct facts *facts)
{
	return server_kill(facts) && request_is_unfinished(facts);
}

static bool stdout_over_limit(const struct facts *facts)
{
	return stream_counted(facts->run, STDIO_OUT)->bytes > STDOUT_LIMIT_BYTES;
}

static bool stdout_read_failed(const struct facts *facts)
{
	const struct stream *out = &facts->run->stdio[STDIO_OUT];

	return stream_peer_counts(out) && out->peer.error;
}

/* The server had the whole reply in time and was waiting for the exit when it gave up. */
static bool killed_after_eof(const struct facts *facts)
{
	return server_kill(facts) && facts->eof_ns && facts->eof_ns < facts->run->kill.ns &&
	       facts->eof_ns < facts->deadline_ns;
}

/* Something else held stdout open. Only a timeout that stood in the request is believed here. */
static bool eof_past_deadline(const struct facts *facts)
{
	return facts->request.timeout_ms && facts->eof_ns >= facts->deadline_ns;
}

/* Nobody was left to read the reply: the server died. */
static bool reply_was_refused(const struct facts *facts)
{
	return reader_is_gone(facts->run->stdio[STDIO_OUT].self.error);
}

static bool ended_by_signal(const struct facts *facts)
{
	return facts->signal;
}

static bool ended_with_status(const struct facts *facts)
{
	return facts->status;
}

/* Of an adopted run the start of the reply may not have been seen: then it is no evidence. */
static bool reply_is_bad(const struct facts *facts)
{
	return facts->reply == REPLY_FAILURE ||
	       (facts->reply == REPLY_CORRUPT && !(facts->run->flags & RUN_ADOPTED));
}

static bool otherwise(const struct facts *facts)
{
	(void)facts;
	return true;
}

/* Who a row applies to. */
enum scope { ALL, WORKERS };

#define NO_ERROR ERROR_KIND_COUNT

/*
 * In the order in which the server meets them: start, write the request, read the reply, check the
 * clock, wait, parse. The first row that applies is the one. Numbers: docs/fidelity.md.
 */
static const struct {
	bool (*applies)(const struct facts *facts);
	enum scope scope;
	struct situation situation;
} rows[] = {
	/* 20 */ {never_ran, ALL, {OUTCOME_ERROR, ERROR_KIND_START, OUTPUT_NONE}},
	/* 10 */ {deadline_on_stdin, WORKERS, {OUTCOME_TIMEOUT, ERROR_KIND_TIMEOUT, OUTPUT_NONE}},
	/* 13 */ {cancelled_on_stdin, WORKERS, {OUTCOME_ERROR, ERROR_KIND_STDIN, OUTPUT_NONE}},
	/* 18 */ {request_was_refused, WORKERS, {OUTCOME_ERROR, ERROR_KIND_STDIN, OUTPUT_NONE}},
	/* 16 */ {stdout_over_limit, WORKERS, {OUTCOME_ERROR, ERROR_KIND_STDOUT, OUTPUT_NONE}},
	/* 17 */ {stdout_read_failed, WORKERS, {OUTCOME_ERROR, ERROR_KIND_STDOUT, OUTPUT_NONE}},
	/* 14 */ {killed_after_eof, WORKERS, {OUTCOME_ERROR, ERROR_KIND_WAIT, OUTPUT_AT_EOF}},
	/* 9, 11 */ {deadline_kill, WORKERS, {OUTCOME_TIMEOUT, ERROR_KIND_TIMEOUT, OUTPUT_AT_EOF}},
	/* 13, 15 */ {server_kill, WORKERS, {OUTCOME_ERROR, ERROR_KIND_TIMEOUT, OUTPUT_AT_EOF}},
	/* 12 */ {eof_past_deadline, WORKERS, {OUTCOME_TIMEOUT, ERROR_KIND_TIMEOUT, OUTPUT_AT_EOF}},
	/* 24 */ {reply_was_refused, WORKERS, {OUTCOME_ERROR, ERROR_KIND_WAIT, OUTPUT_SO_FAR}},
	/* 6-8 */ {ended_by_signal, ALL, {OUTCOME_ERROR, ERROR_KIND_WAIT, OUTPUT_AT_EOF}},
	/* 5, 19 */ {ended_with_status, ALL, {OUTCOME_ERROR, ERROR_KIND_WAIT, OUTPUT_AT_EOF}},
	/* 3, 4 */ {reply_is_bad, WORKERS, {OUTCOME_ERROR, ERROR_KIND_PARSE, OUTPUT_AT_EOF}},
	/* 1, 2 */ {otherwise, ALL, {OUTCOME_SUCCESS, NO_ERROR, OUTPUT_AT_EOF}},
};

const struct situation *situation_find(const struct facts *facts)
{
	size_t i = 0;

	while ((rows[i].scope == WORKERS && !facts->worker) || !rows[i].applies(facts))
		i++;
	return &rows[i].situation;
}

bool stderr_was_lost(const struct facts *facts)
{
	const struct stream *err = &facts->run->stdio[STDIO_ERR];

	return facts->worker &&
	       ((err->flags & STREAM_UNREAD) || (stream_peer_counts(err) && err->peer.error));
}
