/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each form of door B, and the agent with either door, cost a process that is none of ours: a getppid loop, and a one-byte
 * write and read of a pipe. Forms take turns within each round, so that noise hits all alike; the
 * best of all rounds counts.
 *
 *     doors [--agent PATH] [--rounds N] [--log PATH]
 *     doors --hold FORM      attaches it, says so, and keeps it until its stdin ends: for other benchmarks
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/bench/agent.h"
#include "tests/bench/doors/doors.skel.h"
#include "tests/bench/tracepoint.h"

#define LINKS_MAX 16
#define CHUNKS 6
#define GETPPIDS 40000
#define PAIRS 15000
#define FILLER_PIDS 64
#define FILLER_FIRST 0x7fff0000u /* beyond any pid_max */

enum form_kind { FORM_NOTHING, FORM_BTF, FORM_CLASSIC, FORM_FUNCTION, FORM_AGENT };

struct form {
	const char *label;
	const char *name; /* of the programs, up to "__" */
	enum form_kind kind;
	const char *flag; /* of the agent */
	bool is_empty;
	bool usable;
	double getppid_ns;
	double pair_ns;
};

static struct form forms[] = {
	{"nothing", "", FORM_NOTHING, NULL, false, true, 0, 0},
	{"tp_btf/sys_exit, empty", "btf_empty", FORM_BTF, NULL, true, false, 0, 0},
	{"  syscall number", "btf_number", FORM_BTF, NULL, false, false, 0, 0},
	{"  bucket array", "btf_hint", FORM_BTF, NULL, false, false, 0, 0},
	{"  number, then bucket array", "btf_number_hint", FORM_BTF, NULL, false, false, 0, 0},
	{"  hash lookup", "btf_hash", FORM_BTF, NULL, false, false, 0, 0},
	{"  number, then hash lookup", "btf_number_hash", FORM_BTF, NULL, false, false, 0, 0},
	{"raw_tp/sys_exit, empty", "raw_empty", FORM_BTF, NULL, false, false, 0, 0},
	{"10 classic sys_exit_NAME, empty", "classic_empty", FORM_CLASSIC, NULL, true, false, 0, 0},
	{"  bucket array", "classic_hint", FORM_CLASSIC, NULL, false, false, 0, 0},
	{"  hash lookup", "classic_hash", FORM_CLASSIC, NULL, false, false, 0, 0},
	{"fexit of pipe_read, _write, empty", "function_empty", FORM_FUNCTION, NULL, false, false,
	 0, 0},
	{"the agent, door A", "", FORM_AGENT, "--probe.stdio=fentry", false, false, 0, 0},
	{"the agent, door B", "", FORM_AGENT, "--probe.stdio=syscall", false, false, 0, 0},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

struct bench {
	const char *agent_path;
	const char *log_path;
	const char *hold;
	int rounds;
	int pipe[2];
	struct doors_bpf *doors;
	struct bpf_link *links[LINKS_MAX];
	int n_links;
	struct agent agent;
};

static double now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double getppid_ns(void)
{
	double begin = now_ns();

	for (int i = 0; i < GETPPIDS; i++)
		(void)syscall(SYS_getppid);
	return (now_ns() - begin) / GETPPIDS;
}

static double pair_ns(const int ends[2])
{
	char byte = 'x';
	double begin = now_ns();

	for (int i = 0; i < PAIRS; i++) {
		if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) {
			perror("doors: pipe");
			exit(1);
		}
	}
	return (now_ns() - begin) / PAIRS;
}

static void form_measure(struct form *form, const int ends[2])
{
	for (int i = 0; i < CHUNKS; i++) {
		double one = getppid_ns();
		double pair = pair_ns(ends);
		if (form->getppid_ns == 0 || one < form->getppid_ns)
			form->getppid_ns = one;
		if (form->pair_ns == 0 || pair < form->pair_ns)
			form->pair_ns = pair;
	}
}

static bool form_owns(const struct form *form, const struct bpf_program *program)
{
	const char *name = bpf_program__name(program);
	size_t len = strlen(form->name);

	return strncmp(name, form->name, len) == 0 &&
	       (name[len] == '\0' || strncmp(name + len, "__", 2) == 0);
}

static struct bpf_link *attach_classic(const struct bpf_program *program)
{
	char name[64];

	snprintf(name, sizeof(name), "sys_exit_%s", strstr(bpf_program__name(program), "__") + 2);
	return tracepoint_attach(program, name);
}

static void bench_detach(struct bench *bench)
{
	while (bench->n_links > 0)
		bpf_link__destroy(bench->links[--bench->n_links]);
	agent_stop(&bench->agent);
}

static int attach_programs(struct bench *bench, const struct form *form)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, bench->doors->obj)
	{
		if (!form_owns(form, program))
			continue;
		struct bpf_link *link = form->kind == FORM_CLASSIC ? attach_classic(program)
								   : bpf_program__attach(program);
		if (!link)
			return -errno;
		bench->links[bench->n_links++] = link;
	}
	return 0;
}

static int start_agent(struct bench *bench, const struct form *form)
{
	char *const flags[] = {(char *)form->flag, NULL};

	if (access(bench->agent_path, X_OK) < 0)
		return -errno;
	return agent_start(&bench->agent, bench->agent_path, flags, bench->log_path);
}

static int bench_attach(struct bench *bench, const struct form *form)
{
	switch (form->kind) {
	case FORM_NOTHING:
		return 0;
	case FORM_AGENT:
		return start_agent(bench, form);
	default:
		return attach_programs(bench, form);
	}
}

/* Rehearsal: which forms work here, said once. */
static void find_usable(struct bench *bench)
{
	for (size_t i = 0; i < FORMS; i++) {
		int r = bench_attach(bench, &forms[i]);
		bench_detach(bench);
		forms[i].usable = r == 0;
		if (r < 0)
			printf("skipped: %s (%s): %s\n", forms[i].label, forms[i].name,
			       strerror(-r));
	}
}

static void measure_all(struct bench *bench)
{
	for (int round = 0; round < bench->rounds; round++) {
		for (size_t i = 0; i < FORMS; i++) {
			/* Another first one each round. */
			struct form *form = &forms[(i + (size_t)round) % FORMS];
			if (!form->usable)
				continue;
			int r = bench_attach(bench, form);
			if (r == 0)
				form_measure(form, bench->pipe);
			else
				fprintf(stderr, "doors: %s: %s\n", form->label, strerror(-r));
			bench_detach(bench);
		}
	}
}

/* n getppids and one pipe pair. */
static double form_mix_ns(const struct form *form, int n)
{
	return n * form->getppid_ns + form->pair_ns;
}

static double cheaper_empty_ns(int n, bool added)
{
	double best = 0;

	for (size_t i = 0; i < FORMS; i++) {
		if (!forms[i].is_empty || !forms[i].usable)
			continue;
		double ns = form_mix_ns(&forms[i], n) - (added ? form_mix_ns(&forms[0], n) : 0);
		if (best == 0 || ns < best)
			best = ns;
	}
	return best;
}

/* Whole time and added time of a mix, each as a ratio to the cheaper empty form. */
static void print_mix(const struct form *form, int n)
{
	double ns = form_mix_ns(form, n);
	double added = ns - form_mix_ns(&forms[0], n);
	double empty = cheaper_empty_ns(n, false), empty_added = cheaper_empty_ns(n, true);

	printf(" | %5.0f %+5.0f", ns, added);
	if (empty > 0)
		printf("  %4.2f  %4.2f", ns / empty, added / empty_added);
}

static void print_table(void)
{
	printf("%-34s %8s %8s", "", "", "");
	printf(" | 1 getppid : 1 pair       | 10 getppid : 1 pair\n");
	printf("%-34s %8s %8s", "attached", "getppid", "pair");
	printf(" |    ns added  all*  add*  |    ns added  all*  add*  | getppid** pair**\n");
	for (size_t i = 0; i < FORMS; i++) {
		if (!forms[i].usable)
			continue;
		printf("%-34s %8.0f %8.0f", forms[i].label, forms[i].getppid_ns, forms[i].pair_ns);
		print_mix(&forms[i], 1);
		printf("  ");
		print_mix(&forms[i], 10);
		printf("  | %9.2f %6.2f\n", forms[i].getppid_ns / forms[0].getppid_ns,
		       forms[i].pair_ns / forms[0].pair_ns);
	}
	printf("ns, best of all rounds. * ratio to the cheaper of the two empty forms over that "
	       "mix: whole time,\n"
	       "and only what is added to nothing. ** ratio to nothing. pair = write and read one "
	       "byte of a pipe.\n");
}

static void pin_to_last_cpu(void)
{
	cpu_set_t cpus;
	int last = 0;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &cpus))
			last = i;
	}
	CPU_ZERO(&cpus);
	CPU_SET(last, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		perror("doors: not pinned");
}

/* Another tracer's programs would be part of "nothing". */
static void warn_of_others(void)
{
	__u32 id = 0;
	int n = 0;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0)
			n += info.type == BPF_PROG_TYPE_TRACING ||
			     info.type == BPF_PROG_TYPE_TRACEPOINT ||
			     info.type == BPF_PROG_TYPE_RAW_TRACEPOINT;
		close(fd);
	}
	if (n > 0)
		printf("NOTE: %d tracing programs of others are loaded: nothing is not nothing\n",
		       n);
}

static int fill_filters(struct doors_bpf *doors)
{
	int fd = bpf_map__fd(doors->maps.watched);

	for (__u32 i = 0; i < FILLER_PIDS; i++) {
		__u32 pid = FILLER_FIRST + i, one = 1;
		int r = bpf_map_update_elem(fd, &pid, &one, BPF_ANY);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Without the kernel's functions where it does not let programs on to them: attaching those fails then, and says so. */
static int load_doors(struct bench *bench, bool functions)
{
	bench->doors = doors_bpf__open();
	if (!bench->doors)
		return -errno;
	(void)bpf_program__set_autoload(bench->doors->progs.function_empty__read, functions);
	(void)bpf_program__set_autoload(bench->doors->progs.function_empty__write, functions);
	int r = doors_bpf__load(bench->doors);
	if (r < 0) {
		doors_bpf__destroy(bench->doors);
		bench->doors = NULL;
	}
	return r;
}

static int bench_open(struct bench *bench)
{
	if (pipe2(bench->pipe, O_CLOEXEC) < 0)
		return -errno;
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int r = load_doors(bench, true);
	libbpf_set_print(print);
	if (r < 0)
		r = load_doors(bench, false);
	return r < 0 ? r : fill_filters(bench->doors);
}

static const struct form *form_find(const char *name)
{
	for (size_t i = 0; i < FORMS; i++) {
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	}
	return NULL;
}

static int hold(struct bench *bench)
{
	const struct form *form = form_find(bench->hold);
	int r = form ? bench_attach(bench, form) : -EINVAL;
	char byte;

	if (r == 0) {
		puts("attached");
		fflush(stdout);
		(void)!read(STDIN_FILENO, &byte, sizeof(byte));
	}
	bench_detach(bench);
	return r;
}

static void compare(struct bench *bench)
{
	warn_of_others();
	find_usable(bench);
	pin_to_last_cpu();
	measure_all(bench);
	print_table();
}

static int parse_options(struct bench *bench, int argc, char **argv)
{
	static const struct option options[] = {
		{"agent", required_argument, NULL, 'a'},
		{"rounds", required_argument, NULL, 'r'},
		{"log", required_argument, NULL, 'l'},
		{"hold", required_argument, NULL, 'h'},
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'a')
			bench->agent_path = optarg;
		else if (c == 'l')
			bench->log_path = optarg;
		else if (c == 'h')
			bench->hold = optarg;
		else if (c == 'r')
			bench->rounds = (int)strtol(optarg, NULL, 10);
		else
			return -EINVAL;
	}
	return bench->rounds > 0 && bench->rounds <= 1000 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.agent_path = "build/bunscope", .log_path = "build/bench-doors.log", .rounds = 15};

	if (parse_options(&bench, argc, argv) < 0) {
		fprintf(stderr, "usage: doors [--agent PATH] [--rounds 1..1000] [--log PATH]\n"
				"       doors --hold FORM\n");
		return 2;
	}
	tracefs_need();
	int r = bench_open(&bench);
	if (r < 0) {
		fprintf(stderr, "doors: cannot load the programs: %s\n", strerror(-r));
		return 1;
	}
	if (bench.hold)
		r = hold(&bench);
	else
		compare(&bench);
	if (r < 0)
		fprintf(stderr, "doors: cannot attach %s: %s\n", bench.hold, strerror(-r));
	doors_bpf__destroy(bench.doors);
	return r < 0;
}
