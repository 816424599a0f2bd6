/* SPDX-License-Identifier: Apache-2.0 */
#include "servers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "go/functions.h"

/* The prefix of the first watched server's functions. */
#define ENGINE "github.com/compozy/compozy/engine/"

enum wanted {
	WANTED_LOOP,
	WANTED_FETCH_POSTGRES,
	WANTED_FETCH_SQLITE,
	WANTED_TOOL_CALL,
	WANTED_COUNT,
};

static const char *const wanted_names[WANTED_COUNT] = {
	[WANTED_LOOP] = ENGINE "workflow/router.waitForWorkflowCompletion",
	[WANTED_FETCH_POSTGRES] = ENGINE "infra/postgres.(*WorkflowRepo).GetState",
	[WANTED_FETCH_SQLITE] = ENGINE "infra/sqlite.(*WorkflowRepo).GetState",
	[WANTED_TOOL_CALL] = ENGINE "runtime.(*BunManager).ExecuteToolWithTimeout",
};

/*
 * An executable: one that has been replaced has another inode. Not the time of its inode's change: it changes as well when
 * the name is given to another, in an upgrade, while processes still run it.
 */
struct build {
	dev_t device;
	ino_t inode;
	struct timespec written;
	unsigned processes; /* 0 = this place is free */
	bool is_go;
	bool has_goroutines;	 /* where we know them: the calling convention with registers */
	struct uprobes *uprobes; /* NULL: nothing to attach to */
	bool sees_polls;	 /* they are among what it is attached to */
};

struct server {
	uint32_t pid;	/* 0 = this place is free */
	int pidfd;	/* readable when it has ended */
	bool ended;	/* so it has: what it left in the ring comes first */
	bool estimated; /* polls of its workflows were */
	struct build *build;
};

struct servers {
	struct probe *probe;
	struct plan_hook *hook;
	struct plan_hook planned; /* the hook as it was before any server came */
	struct server items[SERVERS_MAX];
	struct build builds[SERVERS_MAX];
	/* By pid % SERVERS_MAX, looked into in vain since the last look again: they are not read for each run. */
	uint32_t others[SERVERS_MAX];
	bool full; /* and said so */
};

/* ---- what the plan says about it ---- */

/* None can be attached to, or there is none. */
static void hook_set_off(const struct servers *servers, struct plan_hook *hook)
{
	size_t others = 0;

	for (size_t i = 0; i < SERVERS_MAX; i++)
		others += servers->builds[i].processes && !servers->builds[i].sees_polls;
	hook->state = PLAN_OFF;
	hook->reason = others ? "the server has none of the functions that poll"
			      : "no Go server has come yet";
}

/* Where it has failed, its reason is why. */
static void hook_set_estimated(struct plan_hook *hook)
{
	if (hook->state != PLAN_FAILED)
		hook->reason = "a server's functions that poll were not found: as many polls are "
			       "counted as fit into the time that its workflows took";
	hook->flavour = "estimated";
	hook->state = PLAN_FALLBACK;
}

static void update_hook(struct servers *servers)
{
	struct plan_hook *hook = servers->hook;
	size_t attached = 0, estimated = 0;

	if (!hook)
		return;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server *server = &servers->items[i];

		attached += server->pid && server->build->sees_polls;
		estimated += server->estimated;
	}
	*hook = servers->planned;
	if (estimated) {
		hook_set_estimated(hook);
	} else if (attached) {
		hook->state = PLAN_ATTACHED;
		hook->reason = "";
	} else if (hook->state != PLAN_FAILED) {
		hook_set_off(servers, hook);
	}
}

/* ---- executables ---- */

static int read_executable(void *arg, uint64_t offset, void *bytes, size_t n)
{
	ssize_t got = offset > INT64_MAX ? 0 : pread(*(int *)arg, bytes, n, (off_t)offset);

	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -ENODATA;
}

static size_t add_returns(const struct go_function *function, struct uprobe_place *places)
{
	for (size_t i = 0; i < function->returns.count; i++) {
		places[i] = (struct uprobe_place){PLAN_POLL_LOOP_END,
						  function->entry + function->returns.offsets[i]};
	}
	return function->returns.count;
}

/* Fetches alone would count nothing, nor would the loop alone. */
static size_t poll_places(const struct go_function functions[WANTED_COUNT],
			  struct uprobe_place *places)
{
	const struct go_function *loop = &functions[WANTED_LOOP];
	size_t n = 0;

	for (int i = WANTED_FETCH_POSTGRES; i <= WANTED_FETCH_SQLITE; i++) {
		if (functions[i].found)
			places[n++] = (struct uprobe_place){PLAN_POLL_FETCH, functions[i].body};
	}
	if (!loop->found || n == 0)
		return 0;
	n += add_returns(loop, places + n);
	/* Last: what begins while this is attached is then seen whole. */
	places[n++] = (struct uprobe_place){PLAN_POLL_LOOP_BEGIN, loop->body};
	return n;
}

static int build_attach(const struct servers *servers, struct build *build, int executable)
{
	struct uprobe_place places[GO_RETURNS_MAX + WANTED_COUNT];
	struct go_source source = {read_executable, &executable};
	struct go_function functions[WANTED_COUNT];

	int r = go_functions_find(&source, wanted_names, WANTED_COUNT, functions);
	build->is_go = r != -ENOEXEC && r != -ENOENT;
	build->has_goroutines = r == 0;
	if (r < 0)
		return build->is_go ? r : 0;
	size_t polls = poll_places(functions, places), n = polls;
	if (functions[WANTED_TOOL_CALL].found)
		places[n++] =
			(struct uprobe_place){PLAN_TOOL_CALL, functions[WANTED_TOOL_CALL].body};
	if (n == 0)
		return 0;
	r = probe_attach_uprobes(servers->probe, executable, places, n, &build->uprobes);
	build->sees_polls = r == 0 && polls > 0;
	return r;
}

static void build_log(const struct build *build, uint32_t pid, int r)
{
	if (r < 0)
		log_warn("cannot see polls of workflows in server %u: %s", pid, strerror(-r));
	else if (build->sees_polls)
		log_info("counts polls of workflows in server %u", pid);
	else if (build->is_go)
		log_info("server %u has none of the functions that poll workflows", pid);
}

static bool same_build(const struct build *build, const struct stat *stat)
{
	return build->processes && build->device == stat->st_dev && build->inode == stat->st_ino &&
	       build->written.tv_sec == stat->st_mtim.tv_sec &&
	       build->written.tv_nsec == stat->st_mtim.tv_nsec;
}

/* The build that this is; there is a place for each server. */
static struct build *build_of(struct servers *servers, int executable, const struct stat *stat,
			      uint32_t pid)
{
	struct build *unused = NULL;

	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct build *build = &servers->builds[i];

		if (same_build(build, stat))
			return build;
		if (!build->processes)
			unused = build;
	}
	if (!unused)
		return NULL;
	*unused = (struct build){
		.device = stat->st_dev,
		.inode = stat->st_ino,
		.written = stat->st_mtim,
	};
	int r = build_attach(servers, unused, executable);
	build_log(unused, pid, r);
	return unused;
}

/* ---- processes ---- */

static void server_drop(struct servers *servers, struct server *server)
{
	struct build *build = server->build;

	(void)close(server->pidfd);
	if (--build->processes == 0)
		uprobes_free(&build->uprobes);
	*server = (struct server){};
	update_hook(servers);
}

static struct server *server_of(struct servers *servers, uint32_t pid)
{
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (servers->items[i].pid == pid)
			return &servers->items[i];
	}
	return NULL;
}

/* Tells the kernel side; takes it back should the process have executed another file meanwhile. */
static int tell_goroutines(const struct servers *servers, const struct server *server,
			   const char *path)
{
	struct stat now;

	if (!server->build->has_goroutines)
		return 0;
	int r = probe_set_go(servers->probe, server->pid, true);
	if (r == 0 && (stat(path, &now) < 0 || !same_build(server->build, &now)))
		r = probe_set_go(servers->probe, server->pid, false);
	return r;
}

/* 0 also when there is nothing to do: what is not Go, a shell in between, is not kept but where it has to be. */
static int server_add(struct servers *servers, uint32_t pid, bool keep)
{
	struct server *known = server_of(servers, pid);
	struct stat stat;
	char path[32];

	/* First the process, then its file: should it end in between, there is no file. */
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	_cleanup_close_ int executable = open(path, O_RDONLY | O_CLOEXEC);
	if (executable < 0 || fstat(executable, &stat) < 0)
		return -errno;
	if (known && !known->ended && same_build(known->build, &stat))
		return tell_goroutines(servers, known, path);
	if (known)
		server_drop(servers, known);
	struct server *server = server_of(servers, 0);
	if (!server)
		return -ENOSPC;
	struct build *build = build_of(servers, executable, &stat, pid);
	if (!build)
		return -ENOSPC;
	if (!build->is_go && !keep)
		return 0;
	build->processes++;
	*server = (struct server){.pid = pid, .pidfd = take_fd(pidfd), .build = build};
	update_hook(servers);
	return tell_goroutines(servers, server, path);
}

void servers_saw(struct servers *servers, uint32_t pid)
{
	int r = pid ? server_add(servers, pid, false) : 0;

	if (r == -ENOSPC && servers->full)
		return;
	servers->full |= r == -ENOSPC;
	if (!server_of(servers, pid))
		servers->others[pid % SERVERS_MAX] = pid;
	if (r < 0 && r != -ESRCH && r != -ENOENT)
		log_warn("cannot look into server %u: %s", pid, strerror(-r));
}

bool servers_know(const struct servers *servers, uint32_t pid)
{
	if (servers->others[pid % SERVERS_MAX] == pid)
		return true;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (servers->items[i].pid == pid)
			return true;
	}
	return false;
}

bool servers_estimate(struct servers *servers, uint32_t pid)
{
	struct server *server = server_of(servers, pid);

	/* Without a place for it the hook does not say so. */
	if (!server && server_add(servers, pid, true) == 0)
		server = server_of(servers, pid);
	if (!server)
		return true;
	if (server->build->sees_polls)
		return false;
	if (!server->estimated)
		log_info("estimates the polls of workflows in server %u", pid);
	server->estimated = true;
	update_hook(servers);
	return true;
}

size_t servers_tick(struct servers *servers)
{
	struct pollfd fds[SERVERS_MAX];
	size_t count = 0, ended = 0;

	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server *server = &servers->items[i];

		/* poll() passes over a negative one. */
		fds[i] = (struct pollfd){.fd = server->pid ? server->pidfd : -1, .events = POLLIN};
		count += server->pid != 0;
	}
	if (count == 0 || poll(fds, SERVERS_MAX, 0) <= 0)
		return 0;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		struct server *server = &servers->items[i];

		if (!fds[i].revents)
			continue;
		if (server->ended)
			server_drop(servers, server);
		else
			server->ended = true;
		ended += !server->ended;
	}
	return ended;
}

void servers_look_again(struct servers *servers)
{
	memset(servers->others, 0, sizeof(servers->others));
	for (size_t i = 0; i < SERVERS_MAX; i++)
		servers_saw(servers, servers->items[i].pid);
}

/* ---- start and end ---- */

int servers_new(struct probe *probe, struct plan *plan, struct servers **ret)
{
	struct servers *servers = calloc(1, sizeof(*servers));

	if (!servers)
		return -ENOMEM;
	servers->probe = probe;
	servers->hook = plan_hook(plan, "go", "polls");
	if (servers->hook)
		servers->planned = *servers->hook;
	update_hook(servers);
	*ret = servers;
	return 0;
}

void servers_free(struct servers **owner)
{
	struct servers *servers = take_ptr(*owner);

	if (!servers)
		return;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (servers->items[i].pid)
			server_drop(servers, &servers->items[i]);
	}
	free(servers);
}
