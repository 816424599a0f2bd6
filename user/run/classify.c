/* SPDX-License-Identifier: Apache-2.0 */
#include "run/classify.h"

#include <string.h>

#include "base/clock.h"
#include "base/escape.h"
#include "run/measure.h"
#include "run/sender.h"
#include "run/situation.h"
#include "run/text.h"

static bool has_output(const struct facts *facts, enum output_sample sample)
{
	const struct stream *out = &facts->run->stdio[STDIO_OUT];

	if (sample != OUTPUT_AT_EOF)
		return sample == OUTPUT_SO_FAR;
	return stream_counted(facts->run, STDIO_OUT) == &out->self || facts->eof_ns;
}

/* Saturates: a timeout may be any number. */
static uint64_t deadline(uint64_t start_ns, uint64_t timeout_ms)
{
	uint64_t ns;

	if (__builtin_mul_overflow(timeout_ms ? timeout_ms : DEFAULT_TIMEOUT_MS, NS_PER_MS, &ns) ||
	    __builtin_add_overflow(start_ns, ns, &ns))
		return UINT64_MAX;
	return ns;
}

/* A hole on one side may not be there on the other. */
static enum reply_verdict read_reply(const struct run *run)
{
	enum reply_verdict verdict;
	struct text text;

	text_of_reply(run, false, &text);
	verdict = reply_judge(&text);
	if (verdict != REPLY_CORRUPT || !run->faults)
		return verdict;
	text_of_reply(run, true, &text);
	return text.bytes ? reply_judge(&text) : verdict;
}

static void read_request(const struct run *run, struct request *ret)
{
	struct request second;
	struct text text;

	text_of_request(run, false, &text);
	request_read(&text, ret);
	if (ret->has_tool_id || !text_may_have_holes(run))
		return;
	text_of_request(run, true, &text);
	request_read(&text, &second);
	if (second.has_tool_id)
		*ret = second;
}

static bool is_redirected(const struct stream *stream)
{
	return stream->kind == STDIO_KIND_PIPE || stream->kind == STDIO_KIND_UNIX ||
	       stream->kind == STDIO_KIND_FILE;
}

static bool is_run(const struct facts *facts, const struct classify_config *config)
{
	const struct run *run = facts->run;

	if (facts->worker)
		return true;
	/* Without a command line nothing tells whose it was: rather one too many. */
	if (never_ran(facts) && run->args_bytes == 0)
		return true;
	return config->track_all && is_redirected(&run->stdio[STDIO_IN]) &&
	       is_redirected(&run->stdio[STDIO_OUT]);
}

/* Reads who the run is; true when it is one. */
static bool facts_identify(const struct run *run, const struct classify_config *config,
			   struct facts *ret)
{
	ret->run = run;
	read_request(run, &ret->request);
	command_read(run->args, run->args_bytes, run->flags & RUN_ARGS_TRUNCATED, config->workers,
		     config->workers_count, &ret->command);
	ret->worker = ret->request.has_tool_id || ret->command.worker;
	return is_run(ret, config);
}

static void facts_judge(struct facts *facts, uint64_t call_start_ns)
{
	const struct run *run = facts->run;
	uint64_t start_ns = run->key.start_ns;

	if (call_start_ns && call_start_ns < start_ns)
		start_ns = call_start_ns;
	facts->signal = run->exit_code & 0x7f;
	facts->status = run->exit_code >> 8;
	facts->sender = run_sender(run, facts->signal);
	facts->deadline_ns = deadline(start_ns, facts->request.timeout_ms);
	facts->eof_ns = stream_eof_ns(&run->stdio[STDIO_OUT]);
	facts->reply = facts->worker ? read_reply(run) : REPLY_EMPTY;
}

static void choose_tool_id(const struct facts *facts, bool track_all, struct report *ret)
{
	const char *script = facts->command.script;

	if (facts->request.has_tool_id)
		memcpy(ret->tool_id, facts->request.tool_id, sizeof(ret->tool_id));
	else if (!track_all || script[0] == '\0')
		strcpy(ret->tool_id, TOOL_ID_UNKNOWN);
	else if (strlen(script) > TOOL_ID_BYTES || !utf8_valid(script, strlen(script)))
		strcpy(ret->tool_id, TOOL_ID_INVALID);
	else
		memcpy(ret->tool_id, script, strlen(script) + 1);
}

static void report_identity(const struct facts *facts, bool track_all, struct report *ret)
{
	const struct run *run = facts->run;

	memset(ret, 0, sizeof(*ret));
	ret->pid = run->key.tgid;
	ret->parent_pid = run->parent_pid;
	ret->start_ns = run->key.start_ns;
	ret->cgroup_id = run->cgroup_id;
	ret->timeout_ms = facts->request.timeout_ms;
	ret->adopted = run->flags & RUN_ADOPTED;
	memcpy(ret->tool_exec_id, facts->request.tool_exec_id, sizeof(ret->tool_exec_id));
	choose_tool_id(facts, track_all, ret);
}

static void report_exit(const struct facts *facts, struct report *ret)
{
	ret->exited = facts->run->exit_ns && !never_ran(facts);
	if (!ret->exited)
		return;
	ret->status = facts->signal ? 0 : facts->status;
	ret->signal = facts->signal;
	ret->core_dumped = facts->run->exit_code & 0x80;
	ret->sender = facts->sender;
}

static void report_outcome(const struct facts *facts, struct report *ret)
{
	const struct situation *row = situation_find(facts);

	ret->outcome = row->outcome;
	ret->timed_out = row->outcome == OUTCOME_TIMEOUT;
	ret->has_output = has_output(facts, row->output);
	if (row->kind != ERROR_KIND_COUNT)
		ret->error_kinds |= 1u << row->kind;
	if (stderr_was_lost(facts))
		ret->error_kinds |= 1u << ERROR_KIND_STDERR;
}

bool run_identify(const struct run *run, const struct classify_config *config, struct report *ret)
{
	struct facts facts;

	/* Before its exec nobody knows what a process will be. */
	if (!facts_identify(run, config, &facts) || never_ran(&facts))
		return false;
	report_identity(&facts, config->track_all, ret);
	return true;
}

bool run_classify(const struct run *run, const struct classify_config *config,
		  uint64_t call_start_ns, struct report *ret)
{
	struct facts facts;

	if (!facts_identify(run, config, &facts))
		return false;
	facts_judge(&facts, call_start_ns);
	report_identity(&facts, config->track_all, ret);
	report_exit(&facts, ret);
	run_measure(run, ret);
	report_outcome(&facts, ret);
	return true;
}
