/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/kernel/http.h"

#include "bpf/types.h"
#include <bpf/bpf_helpers.h>

/* What is constant to the programs is set by user space before it loads them; here, by kernel_http_begin(). */
#define BUNSCOPE_DEFINE_MAPS
#define const
#include "bpf/http.bpf.c"
#undef const

#define EXCHANGES 64 /* at once: more than an input has requests */
#define SERVER_PID 4711

void abort(void);

static struct sock socket;
static struct task_struct server_task;
static struct inet_bind_bucket bind_bucket;
static __u64 now_ns;

/* ---- what the maps hold ---- */

static struct {
	bool there;
	struct connection value;
} followed;
static struct exchange open[EXCHANGES]; /* id 0 = free */
static struct scan scan_value;
static struct arrival arrival_value;
static struct kernel_counters counted;
static struct watch watch_of_server;

/* ---- the transfer under way ---- */

static struct {
	const unsigned char *bytes;
	unsigned long n;
	struct iovec pieces[2];
} user;
static struct exchange reserved;
static void (*record_sent)(const struct exchange *exchange);

static void check(bool good)
{
	if (!good)
		abort();
}

static bool is_within(const void *at, __u64 bytes, const void *object, __u64 size)
{
	__u64 offset = (__u64)at - (__u64)object;

	return offset <= size && bytes <= size - offset;
}

/* ---- helpers ---- */

static struct exchange *open_find(__u64 id)
{
	for (int i = 0; i < EXCHANGES; i++)
		if (open[i].id == id)
			return &open[i];
	return NULL;
}

void *bpf_map_lookup_elem(void *map, const void *key)
{
	if (map == &scans)
		return &scan_value;
	if (map == &arrivals)
		return &arrival_value;
	if (map == &counters)
		return &counted;
	if (map == &watched)
		return *(const __u32 *)key == SERVER_PID ? &watch_of_server : NULL;
	if (map == &connections)
		return followed.there ? &followed.value : NULL;
	check(map == &exchanges && *(const __u64 *)key);
	return open_find(*(const __u64 *)key);
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	struct exchange *free = open_find(0);

	check(flags == BPF_NOEXIST);
	if (map == &connections) {
		check(!followed.there);
		followed.there = true;
		followed.value = *(const struct connection *)value;
		return 0;
	}
	check(map == &exchanges && free && !open_find(*(const __u64 *)key));
	*free = *(const struct exchange *)value;
	free->id = *(const __u64 *)key;
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	struct exchange *exchange;

	if (map == &connections) {
		check(followed.there);
		followed.there = false;
		return 0;
	}
	check(map == &exchanges);
	exchange = open_find(*(const __u64 *)key);
	check(exchange);
	exchange->id = 0;
	return 0;
}

/* Nothing but what the transfer moved is looked at. */
long bpf_probe_read_user(void *to, __u32 bytes, const void *from)
{
	check(is_within(from, bytes, user.bytes, user.n));
	__builtin_memcpy(to, from, bytes);
	return 0;
}

/* Within an object that is one: not from one of its members into the next. */
long bpf_probe_read_kernel(void *to, __u32 bytes, const void *from)
{
	if (is_within(from, 0, &scan_value, sizeof(scan_value)))
		check(is_within(from, bytes, scan_value.window, sizeof(scan_value.window)));
	__builtin_memmove(to, from, bytes);
	return 0;
}

void *bpf_ringbuf_reserve(void *map, __u64 bytes, __u64 flags)
{
	check(map == &ring && bytes == sizeof(reserved) && !flags);
	return &reserved;
}

void bpf_ringbuf_submit(void *record, __u64 flags)
{
	(void)flags;
	check(record == &reserved);
	record_sent(record);
}

/* Only where somebody else was faster. */
void bpf_ringbuf_discard(void *record, __u64 flags)
{
	(void)record;
	(void)flags;
	abort();
}

__u64 bpf_ringbuf_query(void *map, __u64 flags)
{
	(void)map;
	return flags == BPF_RB_RING_SIZE ? RING_BYTES_DEFAULT : 0;
}

__u64 bpf_ktime_get_ns(void)
{
	return ++now_ns;
}

__u64 bpf_get_current_pid_tgid(void)
{
	return (__u64)SERVER_PID << 32 | SERVER_PID;
}

__u64 bpf_get_current_cgroup_id(void)
{
	return 1;
}

__u64 bpf_get_current_task(void)
{
	return (__u64)&server_task;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	return &server_task;
}

/* Asked of Go's servers alone. */
long bpf_task_pt_regs(struct task_struct *task)
{
	(void)task;
	abort();
}

__u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

/* ---- what happens to the server ---- */

void kernel_http_begin(const struct route_filter *filters, unsigned count,
		       void (*sent)(const struct exchange *exchange))
{
	__builtin_memcpy((void *)routes, filters, count * sizeof(*filters));
	routes_count = count;
	keep_requests = 1;
	record_sent = sent;
	followed.there = false;
	__builtin_memset(open, 0, sizeof(open));
	__builtin_memset(&counted, 0, sizeof(counted));
	__builtin_memset(&server_tcp, 0, sizeof(server_tcp));
	__builtin_memset(&socket, 0, sizeof(socket));
	watch_of_server = (struct watch){.http = 1};
	server_task = (struct task_struct){.group_leader = &server_task, .start_time = 1};
	server_inet.icsk_bind_hash = &bind_bucket;
	watched_buckets[SERVER_PID % WATCHED_BUCKETS] = 1;
	now_ns = 0;
}

int kernel_http_transfer(int direction, const unsigned char *bytes, unsigned long n,
			 unsigned long first)
{
	struct transfer transfer = {.direction = direction, .tgid = SERVER_PID, .result = n};

	user.bytes = bytes;
	user.n = n;
	if (first && first < n) {
		user.pieces[0] = (struct iovec){(__u64)bytes, first};
		user.pieces[1] = (struct iovec){(__u64)bytes + first, n - first};
		transfer.iov = (__u64)user.pieces;
		transfer.iov_count = 2;
		transfer.iov_kernel = true;
	} else {
		transfer.base = (__u64)bytes;
		transfer.requested = n;
	}
	if (direction == TRANSFER_READ)
		server_tcp.copied_seq += n;
	else
		server_tcp.write_seq += n;
	http_transfer(&socket, &transfer);
	if (direction == TRANSFER_WRITE)
		server_tcp.bytes_sent += n;
	check(!arrival_value.users);
	return followed.there;
}

void kernel_http_client_gone(void)
{
	__u64 arguments[] = {(__u64)&socket};

	socket.__sk_common.skc_state = TCP_CLOSE_WAIT;
	socket.sk_shutdown = RCV_SHUTDOWN;
	connection_state(arguments, &socket, 0, TCP_CLOSE_WAIT);
}

unsigned long kernel_http_end(void)
{
	__u64 arguments[] = {(__u64)&socket};
	unsigned long left = 0;

	connection_gone(arguments, &socket);
	for (int i = 0; i < EXCHANGES; i++)
		left += open[i].id != 0;
	return left;
}

unsigned long long kernel_http_count(unsigned index)
{
	return counted.n[index];
}
