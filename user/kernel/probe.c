/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/probe.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "bunscope.skel.h"
#include "kernel/adoptees.h"
#include "kernel/attach.h"
#include "kernel/pattern.h"
#include "kernel/zombie.h"

/* Records that one walk takes from the kernel at a time: 256 KiB. */
#define WALK_BATCH 64
/* Entries that are only counted, at a time: their keys are on the stack. */
#define COUNT_BATCH 256

struct probe {
	struct bunscope_bpf *skeleton;
	struct links links;
	struct ring_buffer *ring;
	probe_record_fn *finished;
	void *arg;
	bool host_pids; /* a pid of the kernel side's is the same process to us */
	size_t cpus;
	struct kernel_counters *counters; /* of each cpu */
	struct run *batch;		  /* WALK_BATCH records of a walk */
	struct run_key *batch_keys;
};

const char *const probe_map_names[PROBE_MAP_COUNT] = {
	[PROBE_MAP_RUNS] = "runs",
	[PROBE_MAP_STREAMS] = "streams",
	[PROBE_MAP_WATCHED] = "watched",
	[PROBE_MAP_UNREAPED] = "unreaped",
	[PROBE_MAP_POLLS] = "poll_loops",
	[PROBE_MAP_EXCHANGES] = "exchanges",
	[PROBE_MAP_CONNECTIONS] = "connections",
	[PROBE_MAP_HANDLERS] = "handlers",
	[PROBE_MAP_CGROUPS] = "cgroups",
};

static int configure_server(struct bunscope_bpf *skeleton, const struct probe_config *config,
			    const struct plan *plan)
{
	for (size_t i = 0; i < config->server_globs_count; i++) {
		int r = pattern_from_glob(config->server_globs[i],
					  &skeleton->rodata->server_patterns[i]);
		if (r < 0)
			return r;
	}
	skeleton->rodata->server_patterns_count = (__u32)config->server_globs_count;
	skeleton->rodata->server_port = config->server_port;
	skeleton->rodata->http_by_syscall = !plan_has(plan, PLAN_TCP_SENDMSG);
	for (size_t i = 0; i < config->routes_count && i < ROUTES_MAX; i++)
		skeleton->rodata->routes[i] = config->routes[i];
	skeleton->rodata->routes_count = (__u32)config->routes_count;
	skeleton->rodata->keep_requests = config->keep_requests;
	return 0;
}

static int configure(struct bunscope_bpf *skeleton, const struct probe_config *config,
		     const struct plan *plan)
{
	for (size_t i = 0; i < config->exe_globs_count; i++) {
		int r = pattern_from_glob(config->exe_globs[i], &skeleton->rodata->exe_patterns[i]);
		if (r < 0)
			return r;
	}
	skeleton->rodata->exe_patterns_count = (__u32)config->exe_globs_count;
	skeleton->rodata->stream_buckets_used = plan_has_door_a(plan);
	int failed = configure_server(skeleton, config, plan);
	if (failed < 0)
		return failed;
	(void)bpf_map__set_max_entries(skeleton->maps.runs, config->max_runs);
	(void)bpf_map__set_max_entries(skeleton->maps.streams, config->max_runs * STREAMS_PER_RUN);
	(void)bpf_map__set_max_entries(skeleton->maps.watched, config->max_runs * WATCHED_PER_RUN);
	(void)bpf_map__set_max_entries(skeleton->maps.unreaped, config->max_runs);
	(void)bpf_map__set_max_entries(skeleton->maps.ring, config->ring_bytes);
	skeleton->rodata->page_bytes = (__u32)sysconf(_SC_PAGESIZE);
	skeleton->rodata->has_task_pt_regs = plan_is_by(plan, "go", "goroutine", "registers");
	skeleton->rodata->turns_taken = plan_has(plan, PLAN_EXEC_CONFIRM_SECOND);

	for (int i = 0; i < PLAN_PROGRAM_COUNT; i++) {
		struct bpf_program *program = skeleton_program(skeleton, i);
		int r = bpf_program__set_autoload(program, plan_has(plan, i));
		if (r < 0)
			return r;
		if (strcmp(plan_flavour(plan, i), "uprobe_multi") == 0)
			uprobes_set_multi(program);
	}
	return 0;
}

/*
 * What the kernel does not have, a weak function or a newer type, libbpf looks for in its modules as well. To list these takes
 * CAP_SYS_ADMIN, and before 1.3 libbpf fails for who has it not. It tries once an object: so it is made to try here, where
 * that does not matter.
 */
static void skip_modules(struct bunscope_bpf *skeleton)
{
	__u32 id;

	if (bpf_btf_get_next_id(0, &id) < 0 && errno == EPERM)
		(void)bpf_program__set_attach_target(skeleton->progs.adopt_task, 0,
						     "no such function");
}

static int ring_sample(void *arg, void *bytes, size_t n)
{
	const struct probe *probe = arg;

	probe->finished(probe->arg, bytes, n);
	return 0;
}

static int allocate(struct probe *probe)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	probe->cpus = (size_t)cpus;
	probe->counters = calloc(probe->cpus, sizeof(*probe->counters));
	probe->batch = calloc(WALK_BATCH, sizeof(*probe->batch)); /* the largest value of all */
	probe->batch_keys = calloc(WALK_BATCH, sizeof(*probe->batch_keys));
	probe->ring =
		ring_buffer__new(bpf_map__fd(probe->skeleton->maps.ring), ring_sample, probe, NULL);
	if (!probe->counters || !probe->batch || !probe->batch_keys)
		return -ENOMEM;
	return probe->ring ? 0 : -errno;
}

/* The object in this binary was read once: its pages, nearly a MiB, need not stay mapped in. */
static void drop_object(const struct bpf_object_skeleton *object)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t skipped = (page - (uintptr_t)object->data % page) % page;

	if (object->data_sz > skipped)
		(void)madvise((char *)object->data + skipped,
			      (object->data_sz - skipped) / page * page, MADV_DONTNEED);
}

static int start(struct probe *probe, const struct probe_config *config, struct plan *plan,
		 char *ret_error, size_t error_bytes)
{
	probe->skeleton = bunscope_bpf__open();
	if (!probe->skeleton) {
		int failed = -errno;
		(void)snprintf(ret_error, error_bytes, "cannot open the BPF object: %s",
			       strerror(-failed));
		return failed;
	}
	int r = configure(probe->skeleton, config, plan);
	if (r < 0) {
		(void)snprintf(ret_error, error_bytes, "cannot configure the BPF object: %s",
			       strerror(-r));
		return r;
	}
	skip_modules(probe->skeleton);
	r = bunscope_bpf__load(probe->skeleton);
	drop_object(probe->skeleton->skeleton);
	if (r == 0)
		r = allocate(probe);
	if (r < 0) {
		(void)snprintf(
			ret_error, error_bytes,
			"the kernel refused the BPF programs: %s; --log.level=debug says more",
			strerror(-r));
		return r;
	}
	return links_attach(&probe->links, probe->skeleton, plan, ret_error, error_bytes);
}

int probe_start(const struct probe_config *config, struct plan *plan, struct probe **ret,
		char *ret_error, size_t error_bytes)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return -ENOMEM;
	probe->host_pids = pids_are_hosts();
	probe->finished = config->finished;
	probe->arg = config->arg;
	int r = start(probe, config, plan, ret_error, error_bytes);
	if (r < 0) {
		probe_stop(&probe);
		return r;
	}
	*ret = probe;
	return 0;
}

void probe_stop(struct probe **owner)
{
	struct probe *probe = take_ptr(*owner);

	if (!probe)
		return;
	links_detach(&probe->links);
	ring_buffer__free(probe->ring);
	bunscope_bpf__destroy(probe->skeleton);
	free(probe->counters);
	free(probe->batch);
	free(probe->batch_keys);
	free(probe);
}

static void drop_adoptees(const struct probe *probe)
{
	int fd = bpf_map__fd(probe->skeleton->maps.adoptees);
	uint32_t pid;

	while (bpf_map_get_next_key(fd, NULL, &pid) == 0)
		(void)bpf_map_delete_elem(fd, &pid);
}

/* Runs an iterator from its beginning to its end. */
static int iterate(const struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	char nothing[1];

	if (!link)
		return -errno;
	_cleanup_close_ int fd = bpf_iter_create(bpf_link__fd(link));
	ssize_t n = fd < 0 ? -1 : read(fd, nothing, sizeof(nothing));
	int r = n < 0 ? -errno : 0;
	(void)bpf_link__destroy(link);
	return r;
}

/* Begins the runs of those that were put. */
static int adopt(const struct probe *probe)
{
	int r = iterate(probe->skeleton->progs.adopt_task);

	drop_adoptees(probe);
	return r;
}

static int put_adoptee(void *arg, uint32_t pid, const struct adoptee *adoptee)
{
	const struct probe *probe = arg;
	int fd = bpf_map__fd(probe->skeleton->maps.adoptees);
	int r = bpf_map_update_elem(fd, &pid, adoptee, BPF_ANY);

	if (r != -E2BIG)
		return r;
	r = adopt(probe);
	return r < 0 ? r : bpf_map_update_elem(fd, &pid, adoptee, BPF_ANY);
}

int probe_adopt(struct probe *probe, const char *const *exe_globs, size_t count)
{
	int found = adoptees_find(exe_globs, count, put_adoptee, probe);
	int r = adopt(probe);

	if (found < 0)
		return found;
	return r < 0 ? r : found;
}

static int watch_server(void *arg, uint32_t pid, const struct adoptee *adoptee)
{
	const struct probe *probe = arg;
	uint64_t args[] = {pid, 0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = sizeof(args));

	(void)adoptee;
	return bpf_prog_test_run_opts(bpf_program__fd(probe->skeleton->progs.server_watch),
				      &options);
}

int probe_set_go(const struct probe *probe, uint32_t pid, bool go)
{
	uint64_t args[] = {pid, go};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = sizeof(args));

	if (!probe->host_pids)
		return 0;
	return bpf_prog_test_run_opts(bpf_program__fd(probe->skeleton->progs.server_set_go),
				      &options);
}

int probe_adopt_servers(struct probe *probe, const char *const *server_globs, size_t count)
{
	int found = adoptees_find(server_globs, count, watch_server, probe);
	int r = 0;

	if (probe->skeleton->rodata->server_port)
		r = iterate(probe->skeleton->progs.server_adopt_listener);
	return r < 0 ? r : found;
}

int probe_fd(const struct probe *probe)
{
	return ring_buffer__epoll_fd(probe->ring);
}

int probe_drain(struct probe *probe)
{
	return ring_buffer__consume(probe->ring);
}

int probe_counters(struct probe *probe, uint64_t ret[KERNEL_COUNTERS_COUNT], uint64_t *ret_begun)
{
	uint32_t zero = 0;
	int fd = bpf_map__fd(probe->skeleton->maps.counters);
	int r = bpf_map_lookup_elem(fd, &zero, probe->counters);

	if (r < 0)
		return r;
	memset(ret, 0, KERNEL_COUNTERS_COUNT * sizeof(*ret));
	for (size_t cpu = 0; cpu < probe->cpus; cpu++) {
		for (int i = 0; i < KERNEL_COUNTERS_COUNT; i++)
			ret[i] += probe->counters[cpu].n[i];
		if (ret_begun)
			ret_begun[cpu] = probe->counters[cpu].n[KERNEL_RUNS_BEGUN];
	}
	return 0;
}

/* How often the kernel left it out. A program that is not there is left out each time. */
static uint64_t program_missed(const struct probe *probe, enum plan_program program)
{
	const struct bpf_program *bpf = skeleton_program(probe->skeleton, program);
	struct bpf_prog_info info = {};
	uint32_t bytes = sizeof(info);
	int fd = bpf ? bpf_program__fd(bpf) : -1;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &bytes) < 0)
		return UINT64_MAX;
	return info.recursion_misses;
}

uint64_t probe_missed(const struct probe *probe)
{
	uint64_t missed = 0;

	for (int i = 0; i < PLAN_FIRST_TURNS; i++) {
		uint64_t fewest = program_missed(probe, i);

		for (enum plan_program next = plan_next_turn(i); next != PLAN_PROGRAM_COUNT;
		     next = plan_next_turn(next)) {
			uint64_t n = program_missed(probe, next);

			fewest = n < fewest ? n : fewest;
		}
		if (fewest != UINT64_MAX)
			missed += fewest;
	}
	return missed;
}

size_t probe_cpus(const struct probe *probe)
{
	return probe->cpus;
}

/* Hands over the records of a map, none larger than a run's, at most WALK_BATCH of them at a time. */
static int walk(const struct probe *probe, const struct bpf_map *map, probe_record_fn *each,
		void *arg)
{
	size_t bytes = bpf_map__value_size(map);
	int fd = bpf_map__fd(map);
	uint32_t position = 0;
	void *from = NULL;

	for (;;) {
		uint32_t count = WALK_BATCH;
		int r = bpf_map_lookup_batch(fd, from, &position, probe->batch_keys, probe->batch,
					     &count, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
		for (uint32_t i = 0; i < count; i++)
			each(arg, (const char *)probe->batch + i * bytes, bytes);
		if (r == -ENOENT)
			return 0;
		from = &position;
	}
}

int probe_walk(struct probe *probe, probe_record_fn *each, void *arg)
{
	return walk(probe, probe->skeleton->maps.runs, each, arg);
}

int probe_walk_exchanges(struct probe *probe, probe_record_fn *each, void *arg)
{
	return walk(probe, probe->skeleton->maps.exchanges, each, arg);
}

bool probe_take_exchange(struct probe *probe, __u64 id)
{
	return bpf_map_delete_elem(bpf_map__fd(probe->skeleton->maps.exchanges), &id) == 0;
}

/* Runs a program that is there to be asked about one run. What it returns, or -errno. */
static int ask(const struct bpf_program *program, const struct run_key *key)
{
	uint64_t args[] = {key->tgid, key->start_ns};
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = args, .ctx_size_in = sizeof(args));
	int r = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

	return r < 0 ? r : (int)options.retval;
}

int probe_take(struct probe *probe, const struct run_key *key)
{
	return ask(probe->skeleton->progs.run_take, key);
}

int probe_take_unended(struct probe *probe, const struct run_key *key)
{
	if (!probe->host_pids || zombie_state(key->tgid, key->start_ns) != ZOMBIE_GONE)
		return 0;
	return ask(probe->skeleton->progs.run_take_unended, key);
}

long probe_unreaped(struct probe *probe)
{
	int fd = bpf_map__fd(probe->skeleton->maps.unreaped);
	struct run_key key, next;
	int r = bpf_map_get_next_key(fd, NULL, &next);
	long zombies = 0;

	/* The next key is taken before this one may go: the walk does not begin again. */
	while (r == 0) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		enum zombie state = zombie_state(key.tgid, key.start_ns);
		zombies += state == ZOMBIE_WAITING;
		if (state == ZOMBIE_GONE)
			(void)bpf_map_delete_elem(fd, &key);
	}
	return r == -ENOENT ? zombies : r;
}

void probe_forget_unreaped(struct probe *probe, const struct run_key *key)
{
	(void)bpf_map_delete_elem(bpf_map__fd(probe->skeleton->maps.unreaped), key);
}

bool probe_cgroup(const struct probe *probe, const struct cgroup_key *key, struct cgroup_names *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(probe->skeleton->maps.cgroups), key, ret) == 0;
}

int probe_walk_cgroups(struct probe *probe, probe_record_fn *each, void *arg)
{
	int fd = bpf_map__fd(probe->skeleton->maps.cgroups);
	struct cgroup_key key, next;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	/* The next key is taken before this one may go: the walk does not begin again. */
	while (r == 0) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		each(arg, &key, sizeof(key));
	}
	return r == -ENOENT ? 0 : r;
}

void probe_forget_cgroup(struct probe *probe, const struct cgroup_key *key)
{
	(void)bpf_map_delete_elem(bpf_map__fd(probe->skeleton->maps.cgroups), key);
}

int probe_streams_state(struct probe *probe, const struct run_key *key)
{
	return ask(probe->skeleton->progs.run_streams_state, key);
}

static const struct bpf_map *map_of(const struct probe *probe, enum probe_map map)
{
	switch (map) {
	case PROBE_MAP_RUNS:
		return probe->skeleton->maps.runs;
	case PROBE_MAP_STREAMS:
		return probe->skeleton->maps.streams;
	case PROBE_MAP_UNREAPED:
		return probe->skeleton->maps.unreaped;
	case PROBE_MAP_POLLS:
		return probe->skeleton->maps.poll_loops;
	case PROBE_MAP_EXCHANGES:
		return probe->skeleton->maps.exchanges;
	case PROBE_MAP_CONNECTIONS:
		return probe->skeleton->maps.connections;
	case PROBE_MAP_HANDLERS:
		return probe->skeleton->maps.handlers;
	case PROBE_MAP_CGROUPS:
		return probe->skeleton->maps.cgroups;
	default:
		return probe->skeleton->maps.watched;
	}
}

size_t probe_map_capacity(const struct probe *probe, enum probe_map map)
{
	return bpf_map__max_entries(map_of(probe, map));
}

int probe_attach_uprobes(const struct probe *probe, int executable,
			 const struct uprobe_place *places, size_t count, struct uprobes **ret)
{
	return uprobes_attach(probe->skeleton, executable, places, count, ret);
}

int probe_walk_polls(struct probe *probe, probe_record_fn *each, void *arg)
{
	int fd = bpf_map__fd(probe->skeleton->maps.poll_loops);
	struct goroutine_key key, next;
	struct poll_loop loop;
	int r = bpf_map_get_next_key(fd, NULL, &next);

	/* The next key is taken before this one may go: the walk does not begin again. */
	while (r == 0) {
		key = next;
		r = bpf_map_get_next_key(fd, &key, &next);
		if (bpf_map_lookup_elem(fd, &key, &loop) == 0)
			each(arg, &loop, sizeof(loop));
	}
	return r == -ENOENT ? 0 : r;
}

bool probe_take_polls(struct probe *probe, const struct goroutine_key *key)
{
	return bpf_map_delete_elem(bpf_map__fd(probe->skeleton->maps.poll_loops), key) == 0;
}

/* The maps' whose keys alone are read, of whatever size. */
union entry_key {
	struct inode_key stream;
	struct run_key unreaped;
	uint32_t watched;
	__u64 exchange_or_connection;
	struct goroutine_key polls_or_handler;
	struct cgroup_key cgroup;
};

typedef void keys_fn(const struct probe *probe, const void *keys, uint32_t count);

/* Hands over the keys of a map, packed, at most COUNT_BATCH at a time. Number of all of them, or -errno. */
static long walk_keys(const struct probe *probe, const struct bpf_map *map, keys_fn *each)
{
	union entry_key keys[COUNT_BATCH];
	/* Values are of any size, and not looked at: they go where a walk has room for runs. */
	size_t room = WALK_BATCH * sizeof(*probe->batch) / bpf_map__value_size(map);
	int fd = bpf_map__fd(map);
	uint32_t position = 0;
	void *from = NULL;
	long entries = 0;

	assert(bpf_map__key_size(map) <= sizeof(*keys));
	for (;;) {
		uint32_t count = room < COUNT_BATCH ? (uint32_t)room : COUNT_BATCH;
		int r = bpf_map_lookup_batch(fd, from, &position, keys, probe->batch, &count, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
		if (each)
			each(probe, keys, count);
		entries += count;
		if (r == -ENOENT)
			return entries;
		from = &position;
	}
}

long probe_map_entries(const struct probe *probe, enum probe_map map)
{
	if (map == PROBE_MAP_RUNS)
		return -EINVAL;
	return walk_keys(probe, map_of(probe, map), NULL);
}

static void forget_gone(const struct probe *probe, const void *keys, uint32_t count)
{
	const uint32_t *pids = keys;

	for (uint32_t i = 0; i < count; i++) {
		const struct run_key key = {.tgid = pids[i]};

		if (!process_exists(pids[i]))
			(void)ask(probe->skeleton->progs.watched_forget_gone, &key);
	}
}

int probe_forget_gone(struct probe *probe)
{
	long r = 0;

	if (probe->host_pids)
		r = walk_keys(probe, probe->skeleton->maps.watched, forget_gone);
	return r < 0 ? (int)r : 0;
}
