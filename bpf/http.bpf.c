// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The server family: which processes are servers, and the life of their TCP connections. What passes through these is
 * seen by the doors of the stdio family, which hand it to http_transfer().
 */
#define BUNSCOPE_DEFINE_HTTP
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "bpf/http.h"
#include "bpf/http_door.h"
#include "bpf/stream.h"
#include "bpf/turn.h"

/* Port on which the watched server listens, 0 = any. */
const volatile __u16 server_port;

/* ---- the end of a connection ---- */

__noinline int http_exchange_end(__u64 id, __u32 end, __u64 gone_ns)
{
	struct exchange *exchange = exchange_find(id & PENDING_ID);

	if (exchange)
		exchange_end(exchange, end, gone_ns);
	return 0;
}

__noinline int http_connection_end(__u64 socket)
{
	struct connection *connection = connection_find(socket);
	__u32 none;

	if (!connection)
		return 0;
	none = connection->lost ? EXCHANGE_UNKNOWN : EXCHANGE_CLOSED;
	request_drop(connection);
	if (connection->response.exchange)
		http_exchange_end(connection->response.exchange, response_end(connection),
				  connection->gone_ns);
	connection->response.exchange = 0;
	for (__u32 i = 0; i < HTTP_PIPELINE_MAX; i++) {
		__u64 id;

		if (!pending_pop(connection, &id))
			break;
		http_exchange_end(id, none, connection->gone_ns);
	}
	return 0;
}

/* ---- bytes ---- */

static __always_inline struct connection *scan_connection(const struct scan *scan)
{
	return scan ? connection_find(scan->socket) : NULL;
}

__noinline int http_first_line(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);

	if (connection)
		first_line(scan, connection, side_of(connection, scan->transfer.direction));
	return 0;
}

__noinline int http_header(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);

	if (connection)
		header_take(scan, side_of(connection, scan->transfer.direction));
	return 0;
}

__noinline int http_chunk(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);

	if (connection)
		chunk_begin(scan, connection, side_of(connection, scan->transfer.direction));
	return 0;
}

__noinline int http_head_end(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);

	if (connection)
		head_end(scan, connection, side_of(connection, scan->transfer.direction));
	return 0;
}

__noinline int http_message_end(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);

	if (connection)
		message_end(scan, connection, side_of(connection, scan->transfer.direction));
	return 0;
}

__noinline int http_scan(void)
{
	struct scan *scan = scan_scratch();
	struct connection *connection = scan_connection(scan);
	struct http_side *side;
	__u64 n;

	if (!connection)
		return 1;
	side = side_of(connection, scan->transfer.direction);
	for (int i = 0; i < SCAN_STEPS; i++) {
		if (!scan_step(scan, connection, side)) {
			n = line_begun(scan);
			side->line_bytes = n;
			bpf_probe_read_kernel(side->line, n,
					      scan->window + (scan->line_at & WINDOW_MASK));
			return 1;
		}
	}
	return 0;
}

/* A connection is followed from the first bytes on that its server reads and that look like a request. */
static __always_inline bool looks_like_request(struct tcp_sock *tcp,
					       const struct transfer *transfer)
{
	struct iovec piece = {};
	__u64 word = 0, blank;

	if (transfer->direction != TRANSFER_READ ||
	    !piece_read(&piece, transfer, 0, transfer->result))
		return false;
	if (bpf_probe_read_user(&word, piece.len < sizeof(word) ? piece.len : sizeof(word),
				(void *)piece.base) < 0)
		return false;
	/* A little of a connection's first request is enough: its client may send it in pieces. */
	if (piece.len < sizeof(word) && !BPF_CORE_READ(tcp, bytes_sent))
		return (word & 0xff) >= 'A' && (word & 0xff) <= 'Z';
	blank = bytes_equal(word, ' ');
	if (!blank || lowest_byte(blank) < 3)
		return false;
	/* Upper case letters; not HTTP/2's preface. */
	return (word & 0xe0e0e0) == 0x404040 &&
	       (word & LOW_BYTES(3)) != WORD('P', 'R', 'I', 0, 0, 0, 0, 0);
}

/*
 * The process is the client here: what it reads are answers, whatever they look like. The port was chosen by connect(),
 * which marks it (__inet_hash_connect()); listen() takes the mark away, wherever the port came from.
 */
static __always_inline bool is_client(const struct sock *sk)
{
	const struct inet_connection_sock *connection = (const void *)sk;

	return BPF_CORE_READ(connection, icsk_bind_hash, fastreuse) < 0;
}

static __always_inline struct connection *connection_begin(struct sock *sk,
							   const struct transfer *transfer)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sk;
	struct connection *connection;
	__u64 socket = (__u64)sk;

	if (!looks_like_request(tcp, transfer) || is_client(sk))
		return NULL;
	if (map_insert(&connections, &socket, &no_connection) < 0 ||
	    !(connection = connection_find(socket))) {
		counter_add(KERNEL_CONNECTIONS_FULL, 1);
		return NULL;
	}
	connection->request.sequence = BPF_CORE_READ(tcp, copied_seq) - (__u32)transfer->result;
	connection->response.sequence = BPF_CORE_READ(tcp, write_seq);
	if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_CLOSE_WAIT)
		connection->gone_ns = bpf_ktime_get_ns();
	return connection;
}

/* The client's FIN has a number, too: a read that meets it right behind the last byte takes both. */
static __always_inline bool is_end_of_stream(const struct scan *scan, __u32 gap)
{
	const struct sock *sk = (const struct sock *)scan->socket;

	return gap == 1 && scan->transfer.direction == TRANSFER_READ &&
	       BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN;
}

/*
 * What passed through the socket since, by its own count, and was not seen: sendfile, splice, io_uring. Inside a body
 * that is as good as seen. False when the connection was given up.
 */
static __always_inline bool sequence_check(struct scan *scan, struct connection *connection,
					   struct http_side *side)
{
	struct tcp_sock *tcp = (struct tcp_sock *)scan->socket;
	__u32 now = scan->transfer.direction == TRANSFER_READ ? BPF_CORE_READ(tcp, copied_seq)
							      : BPF_CORE_READ(tcp, write_seq);
	__u32 gap = now - (__u32)scan->transfer.result - side->sequence;
	struct exchange *exchange;

	side->sequence = now;
	if (!gap || is_end_of_stream(scan, gap))
		return true;
	if (gap > side->skip) {
		connection_lose(connection, scan->socket, KERNEL_HTTP_GAP);
		return false;
	}
	side->skip -= gap;
	exchange = exchange_find(side->exchange);
	if (exchange && scan->transfer.direction == TRANSFER_READ)
		exchange->flags |= EXCHANGE_BODY_GAP;
	if (!side->skip)
		body_end(side);
	return true;
}

/* Sets the scratch up with the line that earlier transfers left unfinished. */
static __always_inline void scan_begin(struct scan *scan, const struct arrival *arrival,
				       const struct http_side *side)
{
	__u64 n = side->line_bytes;

	scan->transfer = arrival->transfer;
	scan->socket = arrival->socket;
	scan->now = bpf_ktime_get_ns();
	scan->total = arrival->transfer.result;
	scan->piece = 0;
	scan->left = 0;
	scan->line_at = 0;
	barrier_var(n);
	if (n > HTTP_LINE_BYTES)
		n = HTTP_LINE_BYTES;
	if (n)
		bpf_probe_read_kernel(scan->window, n, side->line);
	scan->at = n;
	scan->end = n;
}

__noinline int http_arrive(void)
{
	__u32 zero = 0;
	struct arrival *arrival = bpf_map_lookup_elem(&arrivals, &zero);
	struct scan *scan = scan_scratch();
	struct connection *connection;
	struct http_side *side;

	if (!arrival || !scan)
		return 0;
	connection = connection_find(arrival->socket);
	if (!connection)
		connection = connection_begin((struct sock *)arrival->socket, &arrival->transfer);
	if (!connection || connection->lost)
		return 0;
	side = side_of(connection, arrival->transfer.direction);
	scan_begin(scan, arrival, side);
	if (!sequence_check(scan, connection, side))
		return 0;
	for (int i = 0; i < SCAN_CALLS; i++) {
		if (http_scan())
			return 0;
	}
	connection_lose(connection, scan->socket, KERNEL_HTTP_BURST);
	return 0;
}

/* ---- connections ---- */

static __always_inline int server_listens(const struct sock *sk)
{
	if (server_port && BPF_CORE_READ(sk, __sk_common.skc_num) == server_port)
		watched_add_server(bpf_get_current_pid_tgid() >> 32, true);
	return 0;
}

/* A tracepoint's first argument as a number: what is passed to a function of its own must not be a pointer. */
static __always_inline __u64 first_argument(const void *ctx)
{
	__u64 argument = 0;

	bpf_probe_read_kernel(&argument, sizeof(argument), ctx);
	return argument;
}

/*
 * A reset reaches the server's side in the middle of a response that it has handed over already: only what the server
 * does itself, close or shut down, is the end. A second time changes nothing, of this and of what follows.
 */
static __always_inline int state_changed(const void *ctx, const struct sock *sk, int state)
{
	struct connection *connection;

	if (state == TCP_LISTEN)
		return server_listens(sk);
	if (state != TCP_FIN_WAIT1 && state != TCP_CLOSE && state != TCP_CLOSE_WAIT &&
	    state != TCP_LAST_ACK)
		return 0;
	connection = connection_find((__u64)sk);
	if (!connection)
		return 0;
	if (state == TCP_CLOSE_WAIT ||
	    (state == TCP_CLOSE && !(BPF_CORE_READ(sk, sk_shutdown) & SEND_SHUTDOWN))) {
		if (!connection->gone_ns)
			connection->gone_ns = bpf_ktime_get_ns();
		return 0;
	}
	http_connection_end(first_argument(ctx));
	return 0;
}

BPF_TURNS("tp_btf/inet_sock_set_state", connection_state, state_changed(ctx, sk, state),
	  const struct sock *sk, int old_state, int state)

static __always_inline int socket_gone(const void *ctx, struct sock *sk)
{
	__u64 socket = (__u64)sk;
	struct connection *connection = connection_find(socket);

	if (!connection)
		return 0;
	http_connection_end(first_argument(ctx));
	map_delete(&connections, &socket);
	return 0;
}

BPF_TURNS("tp_btf/tcp_destroy_sock", connection_gone, socket_gone(ctx, sk), struct sock *sk)

/* ---- servers that run already ---- */

SEC("iter/task_file")
int server_adopt_listener(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct sock *sk;

	if (!task || !file || !server_port)
		return 0;
	sk = tcp_sock_of(file);
	if (sk && BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN &&
	    BPF_CORE_READ(sk, __sk_common.skc_num) == server_port)
		watched_add_server(task->tgid, false);
	return 0;
}

struct server_args {
	__u64 tgid;
	__u64 go;
};

/* Run by user space, never attached: follows a process whose executable is the server's. */
SEC("raw_tp")
int server_watch(struct server_args *args)
{
	watched_add_server(args->tgid, false);
	return 0;
}

/* The same: says of a server whether it executes a Go program. */
SEC("raw_tp")
int server_set_go(struct server_args *args)
{
	struct watch *watch = watched_find(args->tgid);

	if (watch)
		watch->go = args->go;
	return 0;
}
