// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The go family: counts the polls of synchronous workflows, and says when an execution's first tool is called. Breakpoints at
 * the entry of the function that polls, at each of its returns, and at the entry of the functions that fetch a state or
 * call a tool. Never at a return address, as uretprobes are: Go moves stacks, and walks them.
 */
#include "bpf/maps.h"
#include <bpf/bpf_tracing.h>

#include "bpf/go_abi.h"
#include "bpf/ring.h"
#include "include/polls.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, POLL_LOOPS_MAX);
	__type(key, struct goroutine_key);
	__type(value, struct poll_loop);
} poll_loops SEC(".maps");

/* What a loop's record is before anything is known; too big for the stack. */
static const struct poll_loop blank_loop;

static __always_inline struct goroutine_key goroutine_of(struct pt_regs *regs)
{
	struct goroutine_key key = {.goroutine = go_goroutine(regs)};

	key.tgid = bpf_get_current_pid_tgid() >> 32;
	return key;
}

/* Nobody else touches this goroutine's record: it is the one that runs here. */
static __always_inline struct poll_loop *loop_insert(const struct goroutine_key *key)
{
	int r = map_insert(&poll_loops, key, &blank_loop);

	if (r == -EEXIST) {
		/* It ended by a panic. */
		counter_add(KERNEL_POLLS_ABANDONED, 1);
		map_delete(&poll_loops, key);
		r = map_insert(&poll_loops, key, &blank_loop);
	}
	if (r < 0) {
		counter_add(KERNEL_POLLS_MAP_FULL, 1);
		return NULL;
	}
	return bpf_map_lookup_elem(&poll_loops, key);
}

static __always_inline bool loop_read_texts(struct poll_loop *loop, __u64 exec_id,
					    __u64 exec_id_bytes, __u64 workflow_id,
					    __u64 workflow_id_bytes)
{
	loop->exec_id_address = exec_id;
	loop->exec_id_bytes = exec_id_bytes;
	/* Again: a verifier before Linux 5.11 forgets the bounds of what had to leave its register. */
	barrier_var(exec_id_bytes);
	if (exec_id_bytes > POLL_EXEC_ID_BYTES)
		return false;
	if (bpf_probe_read_user(loop->exec_id, exec_id_bytes, (void *)exec_id) < 0)
		return false;
	loop->workflow_id_bytes = POLL_WORKFLOW_ID_BYTES + 1;
	barrier_var(workflow_id_bytes);
	if (workflow_id_bytes > POLL_WORKFLOW_ID_BYTES)
		return true;
	loop->workflow_id_bytes = workflow_id_bytes;
	return bpf_probe_read_user(loop->workflow_id, workflow_id_bytes, (void *)workflow_id) == 0;
}

/* (ctx, repository, execID string, timeout, workflowID string, …) (state, timedOut bool, error) */
SEC("uprobe")
int poll_loop_begin(struct pt_regs *regs)
{
	struct goroutine_key key = goroutine_of(regs);
	__u64 exec_id_bytes = go_word5(regs);
	struct poll_loop *loop;

	if (exec_id_bytes == 0 || exec_id_bytes > POLL_EXEC_ID_BYTES) {
		counter_add(KERNEL_POLLS_STRANGE, 1);
		return 0;
	}
	loop = loop_insert(&key);
	if (!loop)
		return 0;
	loop->key = key;
	loop->begin_ns = bpf_ktime_get_ns();
	loop->timeout_ns = go_word6(regs);
	if (loop_read_texts(loop, go_word4(regs), exec_id_bytes, go_word7(regs), go_word8(regs)))
		return 0;
	/* A server with other arguments than we know; or its memory is paged out. */
	counter_add(KERNEL_POLLS_STRANGE, 1);
	map_delete(&poll_loops, &key);
	return 0;
}

static __always_inline bool loop_has_id(const struct poll_loop *loop, __u64 address, __u64 bytes)
{
	__u8 id[POLL_EXEC_ID_BYTES] = {};

	if (bytes != loop->exec_id_bytes || bytes > POLL_EXEC_ID_BYTES)
		return false;
	if (address == loop->exec_id_address)
		return true;
	barrier_var(bytes);
	if (bytes > POLL_EXEC_ID_BYTES)
		return false;
	if (bpf_probe_read_user(id, bytes, (void *)address) < 0)
		return false;
	for (__u32 i = 0; i < POLL_EXEC_ID_BYTES; i++) {
		if (id[i] != loop->exec_id[i])
			return false;
	}
	return true;
}

/* (repository, ctx, execID string) */
SEC("uprobe")
int poll_fetch(struct pt_regs *regs)
{
	struct goroutine_key key = goroutine_of(regs);
	struct poll_loop *loop = bpf_map_lookup_elem(&poll_loops, &key);
	__u64 n;

	if (!loop || !loop_has_id(loop, go_word3(regs), go_word4(regs)))
		return 0;
	n = loop->fetches++;
	barrier_var(n);
	if (n < POLL_TIMES_MAX)
		loop->fetch_ns[n] = bpf_ktime_get_ns();
	return 0;
}

/*
 * Leaves a loop that is over to the sweep, under a key that no goroutine has, whose addresses are even: its own may begin
 * the next loop before the sweep comes. Without room for that it stays where it is.
 */
static __always_inline void loop_wait(struct poll_loop *loop)
{
	struct goroutine_key key = loop->key, waiting = loop->key;

	waiting.goroutine = loop->end_ns << 1 | 1;
	loop->waits_as = waiting.goroutine;
	if (map_insert(&poll_loops, &waiting, loop) == 0)
		map_delete(&poll_loops, &key);
	else
		loop->waits_as = key.goroutine;
	counter_add(KERNEL_POLLS_RING_FULL, 1); /* last: the sweep looks for it then */
}

/* Sends a loop that is over. Whoever deletes the map's entry owns the record: here or the sweep. */
static __always_inline void loop_send(struct poll_loop *loop)
{
	struct goroutine_key key = loop->key;
	struct poll_loop *sent = bpf_ringbuf_reserve(&ring, sizeof(*sent), 0);

	if (!sent) {
		loop_wait(loop);
		return;
	}
	bpf_probe_read_kernel(sent, sizeof(*sent), loop);
	if (map_delete(&poll_loops, &key) < 0)
		bpf_ringbuf_discard(sent, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_submit(sent, ring_wakeup());
}

SEC("uprobe")
int poll_loop_end(struct pt_regs *regs)
{
	struct goroutine_key key = goroutine_of(regs);
	struct poll_loop *loop = bpf_map_lookup_elem(&poll_loops, &key);

	if (!loop || loop->waits_as)
		return 0;
	loop->end_ns = bpf_ktime_get_ns();
	/* Of a bool, the other bytes of its register are anything. */
	loop->timed_out = go_word1(regs) & 0xff ? 1 : 0;
	loop->failed = go_word2(regs) ? 1 : 0;
	loop_send(loop);
	return 0;
}

/* (manager, ctx, toolID string, execID string, …): of an exchange whose goroutine this is, the first call is kept. */
SEC("uprobe")
int tool_call(struct pt_regs *regs)
{
	struct goroutine_key key = goroutine_of(regs);
	__u64 *id = bpf_map_lookup_elem(&handlers, &key);
	struct exchange *exchange = id && *id ? bpf_map_lookup_elem(&exchanges, id) : NULL;

	if (exchange && exchange->request_last_ns && !exchange->execution_ns)
		exchange->execution_ns = bpf_ktime_get_ns();
	return 0;
}
