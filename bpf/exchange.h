/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The life of an exchange's record: begun with the request's first line, sent when the response is complete. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

#include "bpf/goroutine.h"
#include "bpf/ring.h"
#include "bpf/watched.h"

/* What an exchange's record is before anything is known. */
static const struct exchange no_exchange;

static __always_inline struct exchange *exchange_find(__u64 id)
{
	return id ? bpf_map_lookup_elem(&exchanges, &id) : NULL;
}

/* 54 bits of nanoseconds are half a year; on one cpu no two exchanges begin in the same one. */
static __always_inline __u64 exchange_new_id(void)
{
	return bpf_ktime_get_ns() << 10 | (bpf_get_smp_processor_id() & 1023);
}

/* A record for a request of the current process whose head is being read. Its id, 0 when there is no room. */
static __always_inline __u64 exchange_begin(__u64 connection, __u64 first_ns, __u32 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 id = exchange_new_id();
	struct exchange *exchange;

	if (map_insert(&exchanges, &id, &no_exchange) < 0 || !(exchange = exchange_find(id))) {
		counter_add(KERNEL_EXCHANGES_FULL, 1);
		return 0;
	}
	exchange->id = id;
	exchange->connection = connection;
	exchange->request_first_ns = first_ns;
	exchange->flags = flags;
	exchange->server_pid = bpf_get_current_pid_tgid() >> 32;
	exchange->server_start_ns = BPF_CORE_READ(task, group_leader, start_time);
	exchange->cgroup_id = bpf_get_current_cgroup_id();
	return id;
}

/* ---- executions that a server has in hand ---- */

static __always_inline void execution_count(const struct exchange *exchange, __u64 n)
{
	struct watch *watch;

	if (!(exchange->flags & EXCHANGE_EXECUTES))
		return;
	watch = watched_find(exchange->server_pid);
	if (!watch)
		return;
	__sync_fetch_and_add(&watch->executions, n);
	__sync_fetch_and_add(&watch->executions_sum, n * exchange->id);
}

/*
 * One goroutine reads a connection's requests and answers them: what it forks meanwhile is this execution's. There is
 * room in the map: it has no more entries than that of the exchanges. What is not there is not known.
 */
static __always_inline void handler_add(struct exchange *exchange)
{
	const struct watch *watch = watched_find(exchange->server_pid);
	struct goroutine_key key = {.tgid = exchange->server_pid};
	__u64 id = exchange->id, several = 0;

	if (!watch || !watch->go)
		return;
	key.goroutine = exchange->goroutine = goroutine_current();
	if (key.goroutine && exchange->flags & EXCHANGE_EXECUTES &&
	    map_insert(&handlers, &key, &id) == -EEXIST)
		bpf_map_update_elem(&handlers, &key, &several, BPF_EXIST);
}

static __always_inline void handler_remove(const struct exchange *exchange)
{
	struct goroutine_key key = {
		.goroutine = exchange->goroutine,
		.tgid = exchange->server_pid,
	};

	if (key.goroutine && exchange->flags & EXCHANGE_EXECUTES)
		map_delete(&handlers, &key);
}

/*
 * The head is complete: from here on the server has to answer. alone: its last byte came by itself, which a goroutine
 * of net/http may have read that does nothing but wait for a client to leave.
 */
static __always_inline void exchange_count(struct exchange *exchange, bool alone)
{
	counter_add(KERNEL_EXCHANGES_BEGUN, 1);
	execution_count(exchange, 1);
	if (!alone)
		handler_add(exchange);
}

/* It is being answered, or will never be. */
static __always_inline void exchange_uncount(const struct exchange *exchange)
{
	execution_count(exchange, -1ull);
	handler_remove(exchange);
}

/* The final response begins. */
static __always_inline void exchange_answer(struct exchange *exchange, __u32 status, __u64 first_ns,
					    __u64 gone_ns)
{
	struct watch *watch;

	exchange->status = status;
	exchange->client_gone_ns = gone_ns;
	exchange_uncount(exchange);
	exchange->response_first_ns = first_ns;
	if (status != 202 || !(exchange->flags & EXCHANGE_EXECUTES))
		return;
	watch = watched_find(exchange->server_pid);
	if (watch)
		watch->unseen_ns = first_ns;
}

/* ---- the end ---- */

/* Sends an exchange that is over. Whoever deletes the map's entry owns the record, so it is sent once. */
static __always_inline void exchange_send(struct exchange *exchange)
{
	__u64 id = exchange->id;
	struct exchange *sent = bpf_ringbuf_reserve(&ring, sizeof(*sent), 0);

	counter_add(KERNEL_EXCHANGES_OVER, 1);
	if (!sent) {
		exchange->over = 1;
		counter_add(KERNEL_RING_FULL, 1);
		return;
	}
	bpf_probe_read_kernel(sent, sizeof(*sent), exchange);
	if (map_delete(&exchanges, &id) < 0) {
		bpf_ringbuf_discard(sent, BPF_RB_NO_WAKEUP);
		return;
	}
	counter_add(KERNEL_EXCHANGES_SENT, 1);
	bpf_ringbuf_submit(sent, ring_wakeup());
}

static __always_inline void exchange_end(struct exchange *exchange, __u32 end, __u64 gone_ns)
{
	__u64 now = bpf_ktime_get_ns();

	if (exchange->end != EXCHANGE_OPEN)
		return;
	exchange->end = end;
	exchange->end_ns = now;
	if (!exchange->response_first_ns) {
		exchange_uncount(exchange);
		exchange->client_gone_ns = gone_ns;
	} else if (end == EXCHANGE_ANSWERED) {
		exchange->response_last_ns = now;
	}
	exchange_send(exchange);
}
