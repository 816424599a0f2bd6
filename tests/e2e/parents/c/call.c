/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "context.h"
#include "spawn.h"
#include "streams.h"

#define TIMEOUT_MS_DEFAULT 60000
#define DESCRIPTORS_MAX 65536

struct call {
	const struct job *job;
	uint64_t number;
	char exec_id[EXEC_ID_BYTES + 1];
	char *request;
	size_t request_bytes;
	uint64_t written;
	struct pipes pipes;
	int stdin_fd; /* one more reader of the request, which never reads; -1 = none */
	struct child child;
	struct context context;
	struct output output;
	struct stderr_reader stderr_reader;
	bool stderr_started;
	bool started;
	bool waited;
	bool exited;
	int status;
	struct rusage usage;
	uint64_t start_ns;
	uint64_t end_ns;
	const char *error_kind; /* NULL = success */
	bool timed_out;
};

static void exec_id_make(char *ret_id)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned char bytes[EXEC_ID_BYTES];

	(void)!getrandom(bytes, sizeof(bytes), 0);
	for (int i = 0; i < EXEC_ID_BYTES; i++)
		ret_id[i] = digits[bytes[i] % (sizeof(digits) - 1)];
	ret_id[EXEC_ID_BYTES] = '\0';
}

static json_t *input_make(const struct job *job)
{
	json_t *input;
	char *text;

	if (!job->input_pad_bytes)
		return job->input ? json_incref(job->input) : json_object();
	text = malloc(job->input_pad_bytes + 1);
	memset(text, 'p', job->input_pad_bytes);
	text[job->input_pad_bytes] = '\0';
	input = json_pack("{s:s}", "pad", text);
	free(text);
	return input;
}

static char *file_read(const char *path, size_t *ret_bytes)
{
	FILE *file = fopen(path, "re");
	char *data = NULL;

	*ret_bytes = 0;
	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	data = malloc((size_t)ftell(file) + 1);
	*ret_bytes = (size_t)ftell(file);
	rewind(file);
	*ret_bytes = fread(data, 1, *ret_bytes, file);
	fclose(file);
	return data;
}

/* Compact, and the keys in the server's order: jansson keeps the order of insertion. */
static void request_make(struct call *call)
{
	const struct job *job = call->job;
	json_t *request;

	if (job->request_file) {
		call->request = file_read(job->request_file, &call->request_bytes);
		return;
	}
	request = json_pack("{s:s, s:s, s:o, s:n, s:{}}", "tool_id", job->tool, "tool_exec_id",
			    call->exec_id, "input", input_make(job), "config", "env");
	if (job->timeout_ms)
		json_object_set_new(request, "timeout_ms",
				    json_integer((json_int_t)job->timeout_ms));
	call->request = json_dumps(request, JSON_COMPACT);
	call->request_bytes = strlen(call->request);
	json_decref(request);
}

/* The environment: the server's, and the names that tell Bun it is a worker. Strings leak with the process. */
static const char **environment_make(const struct job *job)
{
	size_t n = 0;
	const char **env;
	char *root, *ballast;

	while (environ[n])
		n++;
	env = calloc(n + 4, sizeof(*env));
	memcpy(env, environ, n * sizeof(*env));
	env[n++] = "COMPOZY_RUNTIME=worker";
	if (asprintf(&root, "COMPOZY_PROJECT_ROOT=%s", job->root) > 0)
		env[n++] = root;
	if (job->env_bytes && asprintf(&ballast, "BALLAST=%0*d", (int)job->env_bytes, 0) > 0)
		env[n++] = ballast;
	return env;
}

/* stdin as a file: the request is in it, and the server has nothing to write. */
static int request_file_open(struct call *call)
{
	const char *directory = getenv("TMPDIR");
	int fd = open(directory ? directory : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (stream_write(fd, call->request, call->request_bytes, 0, 0, &call->written) < 0)
		return -EIO;
	lseek(fd, 0, SEEK_SET);
	close(call->pipes.child[0]);
	call->pipes.child[0] = fd;
	return 0;
}

static int call_start(struct call *call)
{
	const struct job *job = call->job;
	char script[4096];
	const char *argv[] = {"bun", "--smol", "run", "--allow-read", script, NULL};
	struct spawn_options options = {
		.exe = job->exe,
		.argv = argv,
		.cwd = job->root,
		.cgroup = job->cgroup,
	};
	const char **env = environment_make(job);
	int r;

	options.envp = env;
	if (job->script)
		snprintf(script, sizeof(script), "%s", job->script);
	else
		snprintf(script, sizeof(script), "%s/.compozy/bun_worker.ts", job->root);
	memcpy(options.stdio, call->pipes.child, sizeof(options.stdio));
	r = child_spawn(&options, &call->child);
	free(env);
	pipes_close_child(&call->pipes);
	call->started = r == 0;
	return r;
}

/* `bun --version`, once, as the server learns whether --smol is known. */
static void version_probe(const struct job *job)
{
	const char *argv[] = {"bun", "--version", NULL};
	struct spawn_options options = {.exe = job->exe,
					.argv = argv,
					.envp = (const char *const *)environ,
					.cwd = job->root};
	struct output output = {0};
	struct pipes pipes;
	struct child child;

	if (pipes_open(&pipes) < 0)
		return;
	memcpy(options.stdio, pipes.child, sizeof(options.stdio));
	if (child_spawn(&options, &child) == 0) {
		pipes_close_child(&pipes);
		(void)stream_read_all(pipes.server[1], 4096, false, &output);
		waitpid(child.pid, NULL, 0);
		close(child.pidfd);
	}
	free(output.data);
	pipes_close_child(&pipes);
	pipes_close_server(&pipes);
}

/* Opens the pipes while no descriptor is free. */
static int pipes_open_starved(struct pipes *pipes)
{
	static int fds[DESCRIPTORS_MAX];
	int n = 0;
	int r;

	while (n < DESCRIPTORS_MAX && (fds[n] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	r = pipes_open(pipes);
	while (n > 0)
		close(fds[--n]);
	return r;
}

static void call_fail(struct call *call, const char *kind)
{
	enum context_state state = context_state(&call->context);

	call->error_kind = kind;
	if (state == CONTEXT_DEADLINE) {
		call->error_kind = "timeout";
		call->timed_out = true;
	}
}

static bool reply_is_success(const struct output *output)
{
	const int flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
	const char *text = output->data;
	size_t bytes = output->bytes;
	json_t *reply;
	bool success;

	while (bytes && strchr(" \t\r\n", text[0]))
		text++, bytes--;
	while (bytes && strchr(" \t\r\n", text[bytes - 1]))
		bytes--;
	if (!bytes)
		return true;
	reply = json_loadb(text, bytes, flags, NULL);
	success = json_is_null(reply);
	if (json_is_object(reply)) {
		const json_t *error = json_object_get(reply, "error");

		success = !error || json_is_null(error);
	}
	json_decref(reply);
	return success;
}

static void call_wait(struct call *call)
{
	wait4(call->child.pid, &call->status, 0, &call->usage);
	call->waited = true;
	call->exited = true;
	call->end_ns = clock_ns();
	context_waited(&call->context);
}

/* From the first write to the verdict. Returns early, as the server does, without waiting for the child. */
static void call_talk(struct call *call)
{
	const struct job *job = call->job;
	int in = call->pipes.server[0];
	int r = 0;

	if (!job->stdin_file)
		r = stream_write(in, call->request, call->request_bytes, job->chunk_bytes,
				 job->chunk_pause_us, &call->written);
	close(in);
	call->pipes.server[0] = -1;
	if (r < 0)
		return call_fail(call, "stdin");
	r = stderr_reader_start(&call->stderr_reader, call->pipes.server[2]);
	if (r < 0)
		return call_fail(call, "stderr");
	call->stderr_started = true;
	r = stream_read_all(call->pipes.server[1], OUTPUT_BYTES_MAX + 1, job->stdout_fault,
			    &call->output);
	if (r < 0 || call->output.bytes > OUTPUT_BYTES_MAX) {
		call->error_kind = "stdout";
		return;
	}
	if (context_state(&call->context) != CONTEXT_LIVE)
		return call_fail(call, "timeout");
	call_wait(call);
	if (call->status != 0)
		call->error_kind = "wait";
	else if (!reply_is_success(&call->output))
		call->error_kind = "parse";
}

/* A child that nobody waited for: see how it ended, and leave the zombie where it is. */
static void call_peek(struct call *call)
{
	siginfo_t info = {0};

	if (call->waited || !call->started)
		return;
	if (waitid(P_PID, (id_t)call->child.pid, &info, WEXITED | WNOWAIT) < 0)
		return;
	call->exited = true;
	call->end_ns = clock_ns();
	call->status = info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
}

static void truth_add_exit(const struct call *call, json_t *truth)
{
	double cpu = (double)(call->usage.ru_utime.tv_sec + call->usage.ru_stime.tv_sec) +
		     (double)(call->usage.ru_utime.tv_usec + call->usage.ru_stime.tv_usec) / 1e6;
	bool killed = WIFSIGNALED(call->status);

	if (call->exited && !killed)
		json_object_set_new(truth, "exit", json_integer(WEXITSTATUS(call->status)));
	if (call->exited && killed)
		json_object_set_new(truth, "signal", json_integer(WTERMSIG(call->status)));
	if (!call->waited)
		return;
	json_object_set_new(truth, "cpu_seconds", json_real(cpu));
	json_object_set_new(truth, "max_rss_bytes",
			    json_integer((json_int_t)call->usage.ru_maxrss * 1024));
}

/* The end of the run lies between these: what was seen last before it, and what was seen first after it. */
static void truth_add_seconds(const struct call *call, json_t *truth)
{
	uint64_t low_ns = call->output.end_ns;

	if (!call->started)
		return;
	if (call->context.kill_ns > low_ns && WIFSIGNALED(call->status))
		low_ns = call->context.kill_ns;
	if (low_ns < call->child.after_fork_ns)
		low_ns = call->child.after_fork_ns;
	json_object_set_new(truth, "gap_seconds_max",
			    json_real((double)(call->child.after_fork_ns - call->start_ns) / 1e9));
	json_object_set_new(truth, "seconds_min",
			    json_real((double)(low_ns - call->child.after_fork_ns) / 1e9));
	json_object_set_new(truth, "seconds_max",
			    json_real((double)(call->end_ns - call->child.before_fork_ns) / 1e9));
}

/* Did the worker begin to read its request? Asked when it has ended: what is unread is still there. */
static void truth_add_startup(const struct call *call, json_t *truth)
{
	int unread;

	if (call->stdin_fd >= 0 && ioctl(call->stdin_fd, FIONREAD, &unread) == 0)
		json_object_set_new(truth, "startup",
				    json_boolean((uint64_t)unread < call->written));
}

static json_t *truth_make(const struct call *call)
{
	const char *outcome = call->timed_out ? "timeout" : call->error_kind ? "error" : "success";
	json_t *truth = json_pack(
		"{s:s, s:I, s:s, s:s, s:s, s:s?, s:b, s:I, s:I, s:I, s:b, s:I, s:b, s:b, s:b}",
		"event", "run", "run", (json_int_t)call->number, "tool", call->job->tool, "exec_id",
		call->exec_id, "outcome", outcome, "error_kind", call->error_kind, "timed_out",
		call->timed_out, "pid", (json_int_t)(call->started ? call->child.pid : 0),
		"input_bytes", (json_int_t)call->written, "output_bytes",
		(json_int_t)call->output.bytes, "output_ended", call->output.end_ns != 0,
		"stderr_bytes", (json_int_t)call->stderr_reader.bytes, "stderr_failed",
		call->stderr_reader.failed, "waited", call->waited, "killed",
		call->context.kill_ns != 0);

	truth_add_exit(call, truth);
	truth_add_seconds(call, truth);
	truth_add_startup(call, truth);
	return truth;
}

/* A call that may be given up before the worker has read its request, which the pipe takes at once. */
static bool may_end_early(const struct job *job)
{
	return (job->timeout_ms || job->deadline_ms || job->cancel_after_ms) &&
	       !job->input_pad_bytes && !job->request_file && !job->stdin_file && !job->chunk_bytes;
}

static void call_run(struct call *call)
{
	const struct job *job = call->job;
	int r = job->no_descriptors ? pipes_open_starved(&call->pipes) : pipes_open(&call->pipes);

	if (r < 0) {
		call->error_kind = "stdin";
		return;
	}
	if (may_end_early(job))
		call->stdin_fd = fcntl(call->pipes.child[0], F_DUPFD_CLOEXEC, 0);
	if (job->stdin_file)
		(void)request_file_open(call);
	if (call_start(call) < 0) {
		pipes_close_server(&call->pipes);
		call->error_kind = "start";
		return;
	}
	line_print(json_pack("{s:s, s:I, s:s, s:i}", "event", "start", "run",
			     (json_int_t)call->number, "tool", job->tool, "pid",
			     (int)call->child.pid));
	if (context_watch(&call->context, &call->child) < 0)
		return;
	call_talk(call);
}

json_t *call_make(const struct job *job, uint64_t number)
{
	struct call *call = calloc(1, sizeof(*call));
	uint64_t limit_ms = job->timeout_ms ? job->timeout_ms : TIMEOUT_MS_DEFAULT;
	json_t *truth;

	*call = (struct call){.job = job, .number = number, .stdin_fd = -1};
	exec_id_make(call->exec_id);
	request_make(call);
	/* As late as can be: what lies between this and the fork is hidden from whoever watches. */
	call->start_ns = clock_ns();
	if (job->deadline_ms && job->deadline_ms < limit_ms)
		limit_ms = job->deadline_ms;
	context_init(&call->context, call->start_ns + limit_ms * 1000000u,
		     job->cancel_after_ms ? call->start_ns + job->cancel_after_ms * 1000000u : 0);
	if (job->version_probe)
		version_probe(job);
	call_run(call);
	context_end(&call->context);
	call_peek(call);
	if (call->stderr_started)
		stderr_reader_finish(&call->stderr_reader);
	if (call->waited) {
		pipes_close_server(&call->pipes);
		close(call->child.pidfd);
	}
	truth = truth_make(call);
	if (call->stdin_fd >= 0)
		close(call->stdin_fd);
	free(call->request);
	free(call->output.data);
	free(call);
	return truth;
}
