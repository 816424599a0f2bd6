// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The process family: begins a run at exec, confirms it, records who signalled it, ends it.
 */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/arch.h"
#include "bpf/begin.h"
#include "bpf/executable.h"
#include "bpf/run.h"
#include "bpf/syscall.h"
#include "bpf/turn.h"
#include "bpf/watched.h"

/* ---- exec: the run begins ---- */

static __always_inline struct run *exec_prepare(const struct executable *executable)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct run *run;

	if (!executable || !executable_matches(executable))
		return NULL;
	run = run_begin(task, executable, NULL);
	if (run)
		run->exec_error = 0; /* of an earlier try: a search through PATH */
	return run;
}

/* At the point of no return: whoever dies from here on has been executed as far as its parent knows. */
static __always_inline int exec_commit(enum turn turn, struct linux_binprm *bprm)
{
	struct run *run;

	if (!turn_is_mine(turn, CALL_EXEC_PREPARE))
		return 0;
	preemption_off();
	run = exec_prepare(executable_read(bprm));
	if (run)
		run->flags |= RUN_COMMITTED;
	preemption_on();
	return 0;
}

/* Before the parent can know that exec worked, and so before it writes: Linux 6.10. */
BPF_TURNS("tp_btf/sched_prepare_exec", exec_prepare_tp,
	  exec_commit(turn == TURN_FIRST ? TURN_FIRST : TURN_MIDDLE, bprm),
	  struct task_struct *task, struct linux_binprm *bprm)

/* Without it there is no run, and other programs run too seldom for a third to cost anything. */
SEC("tp_btf/sched_prepare_exec")
int BPF_PROG(exec_prepare_tp_third, struct task_struct *task, struct linux_binprm *bprm)
{
	return exec_commit(TURN_LAST, bprm);
}

/* The same moment, since 5.8. */
BPF_TURNS("fentry/begin_new_exec", exec_prepare_fentry, exec_commit(turn, bprm),
	  struct linux_binprm *bprm)

/* Where neither can be had: at the entry of execve and execveat, whose path is the second argument. */
SEC("tracepoint")
int exec_prepare_syscall(struct sys_enter_args *ctx)
{
	__u64 path = ctx->args[0], second = ctx->args[1];

	/* Each read at its own offset: the verifier refuses a context pointer that was added to, up to 6.1. */
	barrier_var(second);
	if (ctx->number == SYSCALL_EXECVEAT)
		path = second;
	exec_prepare(executable_read_user(path));
	return 0;
}

/* ---- exec failed: if nothing else is executed, the run failed to start ---- */

/*
 * The arguments that exec was given, from the process that it was called in. Their length is kept in the
 * record, where the verifier knows nothing of it: it would follow each possible one.
 */
static __always_inline void argv_read(struct run *run, __u64 argv)
{
	run->args_bytes = 0;
	for (__u32 i = 0; i < ARGV_MAX; i++) {
		__u64 arg = 0, at = run->args_bytes;
		long n;

		if (at > ARGS_BYTES / 2)
			break;
		if (bpf_probe_read_user(&arg, sizeof(arg), (void *)(argv + i * sizeof(arg))) < 0 ||
		    !arg)
			break;
		n = bpf_probe_read_user_str(run->args + at, ARGS_BYTES / 2, (void *)arg);
		if (n <= 0)
			break;
		run->args_bytes = at + n;
	}
}

static __always_inline bool is_server(__u32 tgid)
{
	const struct watch *watch = watched_find(tgid);

	return watch && watch->server;
}

/* A server's child tried to execute something else: how it ends does not concern us (child_gave_up). */
static __always_inline void child_excuse(struct task_struct *task)
{
	if (is_server(BPF_CORE_READ(task, real_parent, tgid)))
		watched_add(BPF_CORE_READ(task, tgid));
}

/* `path`, `argv`: what it was given, user addresses. */
static __always_inline int exec_returned(__u64 path, __u64 argv, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const struct executable *executable;
	struct run *run;

	if (result >= 0)
		return 0;
	executable = executable_read_user(path);
	if (!executable || !executable_matches(executable)) {
		child_excuse(task);
		return 0;
	}
	run = run_begin(task, executable, NULL);
	if (!run || run->flags & RUN_CONFIRMED)
		return 0;
	run->exec_error = result;
	argv_read(run, argv);
	return 0;
}

/* execveat's are behind one more argument. */
static __always_inline int exec_returned_regs(struct pt_regs *regs, bool at, long result)
{
	__u64 second = syscall_arg2(regs);

	return exec_returned(at ? second : syscall_arg1(regs), at ? syscall_arg3(regs) : second,
			     result);
}

static __always_inline int exec_turn(enum turn turn, struct pt_regs *regs, bool at, long result)
{
	if (result >= 0 || !turn_is_mine(turn, CALL_EXEC_FAILED))
		return 0;
	preemption_off();
	exec_returned_regs(regs, at, result);
	preemption_on();
	return 0;
}

BPF_TURNS("fexit/" SYSCALL_FUNCTION "execve", execve_return, exec_turn(turn, regs, false, result),
	  struct pt_regs *regs, long result)

/* Its path is the second argument. */
BPF_TURNS("fexit/" SYSCALL_FUNCTION "execveat", execveat_return,
	  exec_turn(turn, regs, true, result), struct pt_regs *regs, long result)

/* Where functions cannot be traced: attached to the exits of both. With it, every system call pays. */
TRACEPOINT_TURNS(exec_failed, sys_exit_args,
		 exec_turn(turn, (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()),
			   ctx->number == SYSCALL_EXECVEAT, ctx->result))

/* Where the exit does not say what the call was given either (before 5.15): calls under way, by process. */
struct exec_call {
	__u64 path;
	__u64 argv;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, EXEC_CALLS_MAX);
	__type(key, __u32);
	__type(value, struct exec_call);
} exec_calls SEC(".maps");

SEC("tracepoint")
int exec_called(struct sys_enter_args *ctx)
{
	__u64 first = ctx->args[0], second = ctx->args[1], third = ctx->args[2];
	struct exec_call call = {first, second};
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (ctx->number == SYSCALL_EXECVEAT)
		call = (struct exec_call){second, third};
	(void)map_insert(&exec_calls, &tgid, &call);
	return 0;
}

SEC("tracepoint")
int exec_call_returned(struct sys_exit_args *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	const struct exec_call *call = bpf_map_lookup_elem(&exec_calls, &tgid);

	if (!call)
		return 0;
	exec_returned(call->path, call->argv, ctx->result);
	(void)map_delete(&exec_calls, &tgid);
	return 0;
}

/* A server that cannot make the pipes, or socket pairs, never gets to a fork. */
static __always_inline int pipe_returned(long result)
{
	if (result != -EMFILE && result != -ENFILE)
		return 0;
	if (is_server(bpf_get_current_pid_tgid() >> 32))
		counter_add(KERNEL_SPAWNS_FAILED, 1);
	return 0;
}

static __always_inline int pipe_turn(enum turn turn, long result)
{
	return result < 0 && turn_is_mine(turn, CALL_PIPE_FAILED) ? pipe_returned(result) : 0;
}

BPF_TURNS("fexit/" SYSCALL_FUNCTION "pipe2", pipe2_return, pipe_turn(turn, result),
	  struct pt_regs *regs, long result)

BPF_TURNS("fexit/" SYSCALL_FUNCTION "socketpair", socketpair_return, pipe_turn(turn, result),
	  struct pt_regs *regs, long result)

/* Attached to the exits of the calls that make them, as above. */
TRACEPOINT_TURNS(pipe_failed, sys_exit_args, pipe_turn(turn, ctx->result))

/* ---- exec worked: the run counts ---- */

static __always_inline void args_read(struct run *run, const struct mm_struct *mm)
{
	__u64 from = mm->arg_start, bytes = mm->arg_end - from;

	if (bytes > ARGS_BYTES) {
		bytes = ARGS_BYTES;
		run->flags |= RUN_ARGS_TRUNCATED;
	}
	if (bpf_probe_read_user(run->args, bytes, (void *)from) < 0) {
		__sync_fetch_and_add(&run->faults, 1);
		counter_add(KERNEL_USER_FAULT, 1);
		return;
	}
	run->args_bytes = bytes;
}

/* A server has started: --server.exe. */
static __always_inline void server_confirm(__u32 tgid, struct linux_binprm *bprm)
{
	const struct executable *executable;

	if (!server_patterns_count)
		return;
	executable = executable_read(bprm);
	if (executable && executable_is_server(executable))
		watched_add_server(tgid, true);
}

/* The run counts from here on. */
static __always_inline void run_confirm(struct run *run, struct task_struct *task)
{
	args_read(run, task->mm);
	run_read_cgroup(run, task);
	run->rss_before_bytes = task->signal->maxrss * page_bytes;
	if (!bpf_core_field_exists(task->sched_info.run_delay))
		run->flags |= RUN_NO_RUNQUEUE;
	run_count(run);
	run->flags |= RUN_CONFIRMED;
}

/* The watch entry of what is being executed, though the kernel may have left out the programs that begin a run. */
static __always_inline struct watch *exec_watch(struct task_struct *task, struct linux_binprm *bprm,
						__u32 tgid)
{
	struct watch *watch = watched_find(tgid);

	if (!turns_taken || (watch && watch_is(watch, task)))
		return watch;
	if (exec_prepare(executable_read(bprm)))
		counter_add(KERNEL_MADE_GOOD, 1);
	return watched_find(tgid);
}

static __always_inline int exec_worked(struct task_struct *task, struct linux_binprm *bprm)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct watch *watch;
	struct run *run;

	server_confirm(tgid, bprm);
	watch = exec_watch(task, bprm, tgid);
	if (!watch)
		return 0;
	watch->go = 0; /* until user space has read what it executes now */
	if (!watch_is(watch, task))
		return 0;
	run = run_find(tgid, watch->run_start_ns);
	if (!run) {
		lost_count(watch);
		return 0;
	}

	if (run->exec_error) {
		/* After a failed try it executed something else: it never was a run. */
		watch->run_start_ns = 0;
		run_remove(run);
		return 0;
	}
	run_confirm(run, task);
	return 0;
}

static __always_inline int exec_worked_turn(enum turn turn, struct task_struct *task,
					    struct linux_binprm *bprm)
{
	if (!turn_is_mine(turn, CALL_EXEC))
		return 0;
	preemption_off();
	exec_worked(task, bprm);
	preemption_on();
	return 0;
}

BPF_TURNS("tp_btf/sched_process_exec", exec_confirm, exec_worked_turn(turn, task, bprm),
	  struct task_struct *task, int old_pid, struct linux_binprm *bprm)

/* ---- signals ---- */

/* Those that do nothing, stop or continue by default end nobody: signal(7). */
static __always_inline bool signal_can_end(int number)
{
	return number != SIGCHLD && number != SIGCONT && number != SIGSTOP && number != SIGTSTP &&
	       number != SIGTTIN && number != SIGTTOU && number != SIGURG && number != SIGWINCH;
}

static __always_inline int signal_sent(int number, struct kernel_siginfo *info,
				       struct task_struct *to, int result)
{
	__u32 tgid = to->tgid;
	struct watch *watch = watched_find(tgid);
	struct sent_signal *sent;
	struct run *run;
	int code;

	if (!watch || !watch->run_start_ns || result != TRACE_SIGNAL_DELIVERED ||
	    !signal_can_end(number))
		return 0;
	run = run_find(tgid, watch->run_start_ns);
	if (!run)
		return 0;

	/* kernel/signal.c: SEND_SIG_NOINFO is 0, SEND_SIG_PRIV is 1, else it is a pointer */
	if ((__u64)info <= 1)
		code = info ? SI_KERNEL : SI_USER;
	else
		code = BPF_CORE_READ(info, si_code);
	sent = number == SIGKILL ? &run->kill : &run->other;
	sent->number = number;
	sent->code = code;
	sent->ns = bpf_ktime_get_ns();
	sent->pid = code == SI_USER || code == SI_QUEUE || code == SI_TKILL
			    ? bpf_get_current_pid_tgid() >> 32
			    : 0;
	return 0;
}

/* A second time changes nothing, here and of OOM kills: they leave no id behind. */
BPF_TURNS("tp_btf/signal_generate", signal_generate, signal_sent(number, info, to, result),
	  int number, struct kernel_siginfo *info, struct task_struct *to, int group, int result)

static __always_inline int victim_mark(__u32 tgid)
{
	struct watch *watch = watched_find(tgid);
	struct run *run = watch && watch->run_start_ns ? run_find(tgid, watch->run_start_ns) : NULL;

	if (run)
		run->oom_ns = bpf_ktime_get_ns();
	return 0;
}

/* Linux 6.8: the victim's task and the caller's uid. */
BPF_TURNS("tp_btf/mark_victim", oom_victim_task, victim_mark(victim->tgid),
	  struct task_struct *victim)

/* Until 6.7: the victim's pid. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_victim_pid, int pid)
{
	return victim_mark(pid);
}

/* ---- exit ---- */

static __always_inline __u64 rss_bytes(const struct mm_struct *mm)
{
	__u64 high = mm->hiwater_rss, pages = 0;

	if (bpf_core_field_exists(mm->rss_stat[0].count))
		pages = mm->rss_stat[MM_FILEPAGES].count + mm->rss_stat[MM_ANONPAGES].count +
			mm->rss_stat[MM_SHMEMPAGES].count;
	return (high > pages ? high : pages) * page_bytes;
}

/*
 * The kernel's high-water mark, unless the process inherited a higher one: a vfork child takes over
 * its server's at exec. Then the address space's own, while there is one at this point (from 6.16 on).
 */
static __always_inline void rss_read(struct run *run, const struct task_struct *task)
{
	const struct mm_struct *mm = task->mm;

	run->max_rss_bytes = task->signal->maxrss * page_bytes;
	if (run->max_rss_bytes > run->rss_before_bytes)
		return;
	if (mm)
		run->max_rss_bytes = rss_bytes(mm);
	else
		run->flags |= RUN_RSS_INHERITED;
}

/* From here on: once it has exited, somebody may wait for it at once. */
static __always_inline void unreaped_add(const struct run *run)
{
	struct run_key key = run->key;
	__u32 value = 0;
	int r;

	r = map_insert(&unreaped, &key, &value);
	if (r < 0 && r != -EEXIST)
		counter_add(KERNEL_UNREAPED_FULL, 1);
}

static __always_inline void run_exit(struct run *run, const struct task_struct *task)
{
	int group_code = task->signal->group_exit_code;

	run_count(run);
	run->exit_code = group_code ? group_code : task->exit_code;
	rss_read(run, task);
	unreaped_add(run);
	run->exit_ns = bpf_ktime_get_ns();
}

/* It was executed, or somebody tried to. */
static __always_inline bool run_was_tried(const struct run *run)
{
	return run->flags & (RUN_CONFIRMED | RUN_COMMITTED | RUN_GAVE_UP) || run->exec_error;
}

/* syscall/exec_linux.go: the status of a child that could not get as far as exec, or whose exec failed. */
#define GO_GAVE_UP 253
/* What such a child would have executed. */
static const struct executable unknown_executable;

/*
 * Go's child of fork that cannot get as far as exec (its working directory is missing) ends with this status. Of
 * one whose parent has started a Bun process before, it is taken for one more.
 */
static __always_inline bool child_gave_up(const struct task_struct *task)
{
	if (!(task->flags & PF_FORKNOEXEC) || task->pid != task->tgid ||
	    task->exit_code != GO_GAVE_UP << 8)
		return false;
	return is_server(task->real_parent->tgid);
}

static __always_inline void run_gave_up(struct task_struct *task)
{
	struct run *run = run_begin(task, &unknown_executable, NULL);

	if (!run)
		return;
	run->flags |= RUN_GAVE_UP;
	__sync_fetch_and_add(&run->exiting, 1);
	run_exit(run, task);
}

/*
 * What exec would have confirmed, of one whose program the kernel left out then. Where the process's memory is gone by
 * now (before Linux 6.16) the command line is, too.
 */
static __always_inline void run_confirm_late(struct run *run, struct task_struct *task)
{
	if (!turns_taken || run->flags & RUN_CONFIRMED || !(run->flags & RUN_COMMITTED))
		return;
	counter_add(KERNEL_MADE_GOOD, 1);
	preemption_off();
	run_confirm(run, task);
	preemption_on();
}

/* Once for each thread, as it begins to exit. `dead`: it is the last one, the status is known. */
static __always_inline int thread_exits(struct task_struct *task, bool dead)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct watch *watch = watched_find(tgid);
	struct run *run;

	if (!watch) {
		if (child_gave_up(task))
			run_gave_up(task);
		return 0;
	}
	if (watch->run_start_ns && !watch_is(watch, task))
		return 0;
	run = watch->run_start_ns ? run_find(tgid, watch->run_start_ns) : NULL;
	if (run && run_was_tried(run)) {
		run_confirm_late(run, task);
		__sync_fetch_and_add(&run->exiting, 1);
		if (dead)
			run_exit(run, task);
		return 0;
	}
	if (!dead)
		return 0;
	if (run)
		run_remove(run); /* it never was one */
	watched_remove(tgid);
	return 0;
}

/* Since Linux 6.16 the kernel says which thread is the last. */
BPF_TURNS("tp_btf/sched_process_exit", process_exit,
	  turn_is_mine(turn, CALL_EXIT) ? thread_exits(task, group_dead) : 0,
	  struct task_struct *task, bool group_dead)

/* Before, `live` counts the threads that have not begun. Two may see 0 here; the later one says when. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_live, struct task_struct *task)
{
	return thread_exits(task, task->signal->live.counter == 0);
}

static __always_inline bool task_is_dead(const struct task_struct *task)
{
	const struct task_struct___5_13 *older = (const void *)task;

	if (bpf_core_field_exists(task->__state))
		return task->__state == TASK_DEAD;
	return older->state == TASK_DEAD;
}

static __always_inline void thread_gone(struct run *run, const struct task_struct *task)
{
	__u64 cpu_ns = task->se.sum_exec_runtime;

	if ((__u32)task->pid == run->key.tgid) {
		run->main_exit_ns = bpf_ktime_get_ns();
		run->main_cpu_ns = cpu_ns;
		if (bpf_core_field_exists(task->sched_info.run_delay))
			run->main_runqueue_ns = task->sched_info.run_delay;
	}
	__sync_fetch_and_add(&run->cpu_ns, cpu_ns);
	__sync_fetch_and_add(&run->major_faults, (__u32)task->maj_flt);
	/* One that began to exit before its run was adopted was not counted then. */
	if (run->exiting > 0)
		__sync_fetch_and_add(&run->exiting, -1);
}

/*
 * The start of the process that a dead thread was of. The leader's is its own. Another's is the watched run's, unless
 * the thread is older: then its process was waited for, and the pid is another's by now.
 */
static __always_inline __u64 dead_start_ns(const struct watch *watch,
					   const struct task_struct *task, __u32 tgid)
{
	__u64 start_ns = task->start_time, run_ns = watch->run_start_ns;

	if ((__u32)task->pid == tgid || start_ns < run_ns)
		return start_ns;
	return run_ns;
}

/* Nobody is left, and the kernel left out the programs that would have seen the last one exit. Here it cannot. */
static __always_inline bool run_exit_late(struct run *run, const struct task_struct *task)
{
	if (!turns_taken || task->signal->live.counter > 0)
		return false;
	counter_add(KERNEL_MADE_GOOD, 1);
	run_exit(run, task);
	return true;
}

/*
 * Once for each thread, as it leaves its cpu for good. Only now is its CPU time complete: at the exit
 * above, up to a tick of it has not been added up, a quarter of a short run's. Threads other than the leader are
 * released before this point, so the last one is the one that leaves no more than a zombie behind.
 */
static __always_inline int thread_switched_out(const struct task_struct *task)
{
	__u32 tgid = task->tgid;
	struct watch *watch = watched_find(tgid);
	__u64 start_ns;
	struct run *run;

	if (!watch || !watch->run_start_ns)
		return 0;
	start_ns = dead_start_ns(watch, task, tgid);
	run = run_find(tgid, start_ns);
	if (!run || !run_was_tried(run))
		return 0;
	thread_gone(run, task);
	/* The leader too: it may have ceased to be alive, and not have got to the tracepoint that counts it. */
	if (run->exiting > 0 || !run->main_exit_ns || task->signal->nr_threads > 1)
		return 0;
	if (!run->exit_ns && !run_exit_late(run, task))
		return 0;
	if (watch->run_start_ns == start_ns)
		watched_remove(tgid);
	counter_add(KERNEL_RUNS_EXITED, 1);
	run->gone_ns = bpf_ktime_get_ns();
	run_send_if_over(run);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(task_switch, bool preempt, struct task_struct *previous)
{
	if (!(previous->flags & PF_EXITING) || !task_is_dead(previous))
		return 0;
	return thread_switched_out(previous);
}

/* ---- asked by user space ---- */

struct run_args {
	__u64 tgid;
	__u64 start_ns;
};

/* Run by user space, never attached: the state of the streams of a run that is not over, though its process is gone. */
SEC("raw_tp")
int run_streams_state(struct run_args *args)
{
	struct run *run = run_find(args->tgid, args->start_ns);
	__u32 state = 0;

	if (!run)
		return 0;
	for (__u32 i = 0; i < STDIO_COUNT; i++)
		state |= stream_state(&run->stdio[i]) << (i * STREAM_STATE_BITS);
	return state;
}

static __always_inline int run_hand_over(struct run *run)
{
	const struct watch *watch = watched_find(run->key.tgid);

	if (watch && watch->run_start_ns == run->key.start_ns)
		watched_remove(run->key.tgid);
	return run_remove(run);
}

/* Run by user space: removes a run, whose record it has. 1 for the one caller, here or there, that removed it. */
SEC("raw_tp")
int run_take(struct run_args *args)
{
	struct run *run = run_find(args->tgid, args->start_ns);

	return run ? run_hand_over(run) : 0;
}

/* The same, of a process that user space found gone: unless its exit was seen after all. */
SEC("raw_tp")
int run_take_unended(struct run_args *args)
{
	struct run *run = run_find(args->tgid, args->start_ns);

	return run && !run->exit_ns ? run_hand_over(run) : 0;
}

/*
 * Run by user space, for a watched process that it found gone: one that was watched after it had exited (a child of its
 * began a run meanwhile), or whose exit was not seen. It goes the second time; between the two its pid may be used again.
 */
SEC("raw_tp")
int watched_forget_gone(struct run_args *args)
{
	struct watch *watch = watched_find(args->tgid);

	if (!watch)
		return 0;
	if (watch->gone)
		watched_remove(args->tgid);
	else
		watch->gone = 1;
	return 0;
}
