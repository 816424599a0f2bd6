/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Records as the kernel side would have made them. Times are milliseconds after the fork. */
#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "include/run.h"

#define BUILD_PID 4711u
#define BUILD_SERVER 100u
#define BUILD_STRANGER 555u
#define BUILD_START_NS 1000000000000ull
#define BUILD_EXIT_MS 500

#define BUILD_REQUEST                                                                              \
	"{\"tool_id\":\"sum\",\"tool_exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5pWdA\",\"input\":{},"      \
	"\"config\":null,\"env\":{},\"timeout_ms\":1000}"
#define BUILD_METADATA                                                                             \
	"\"metadata\":{\"tool_id\":\"sum\",\"tool_exec_id\":\"34fQ0bZk1xYvT7mN2cR8sL5pWdA\","      \
	"\"execution_time\":3}}"
#define BUILD_SUCCESS "{\"result\":3,\"error\":null," BUILD_METADATA
#define BUILD_FAILURE                                                                              \
	"{\"result\":null,\"error\":{\"message\":\"no\",\"name\":\"Error\",\"tool_id\":\"sum\"}}"

static inline uint64_t build_ns(uint64_t ms)
{
	return BUILD_START_NS + ms * 1000000;
}

/* Lays a payload out as include/run.h says: its head, and its tail in a ring. */
static inline void build_capture(const void *text, size_t n, uint8_t *head, size_t head_cap,
				 uint8_t *tail, size_t tail_cap)
{
	const uint8_t *p = text;

	memcpy(head, p, n < head_cap ? n : head_cap);
	for (size_t i = 0; i < n; i++)
		tail[i % tail_cap] = p[i];
}

static inline void build_flow(struct flow *flow, uint64_t bytes, uint64_t ms, uint32_t pid)
{
	flow->bytes = bytes;
	flow->pid = pid;
	flow->first_ns = bytes ? build_ns(ms) : 0;
	flow->last_ns = flow->first_ns;
}

/* The server wrote it at 1 ms. */
static inline void build_request_written(struct run *run, const void *text, size_t n)
{
	build_flow(&run->stdio[STDIO_IN].peer, n, 1, BUILD_SERVER);
	memset(&run->request_peer, 0, sizeof(run->request_peer));
	build_capture(text, n, run->request_peer.head, REQUEST_HEAD_BYTES, run->request_peer.tail,
		      REQUEST_TAIL_BYTES);
}

/* The run read it at 20 ms, and then met the end of its stdin. */
static inline void build_request_read(struct run *run, const void *text, size_t n)
{
	build_flow(&run->stdio[STDIO_IN].self, n, 20, BUILD_PID);
	run->stdio[STDIO_IN].self.eof_ns = build_ns(21);
	memset(&run->request_self, 0, sizeof(run->request_self));
	build_capture(text, n, run->request_self.head, REQUEST_HEAD_BYTES, run->request_self.tail,
		      REQUEST_TAIL_BYTES);
}

static inline void build_request(struct run *run, const char *text)
{
	build_request_written(run, text, strlen(text));
	build_request_read(run, text, strlen(text));
}

/* The run wrote it at 400 ms; the server read it, and the end of the run's stdout when it exited. */
static inline void build_reply(struct run *run, const void *text, size_t n)
{
	build_flow(&run->stdio[STDIO_OUT].self, n, 400, BUILD_PID);
	build_flow(&run->stdio[STDIO_OUT].peer, n, 401, BUILD_SERVER);
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(BUILD_EXIT_MS);
	memset(&run->reply_self, 0, sizeof(run->reply_self));
	build_capture(text, n, run->reply_self.head, REPLY_HEAD_BYTES, run->reply_self.tail,
		      REPLY_TAIL_BYTES);
	run->reply_peer = run->reply_self;
}

static inline void build_args(struct run *run, const void *args, size_t n)
{
	memset(run->args, 0, sizeof(run->args));
	memcpy(run->args, args, n);
	run->args_bytes = n;
}

/* Also moves the end of stdout, which a process's exit closes. */
static inline void build_exit(struct run *run, uint64_t ms, int exit_code)
{
	run->exit_ns = build_ns(ms);
	run->gone_ns = build_ns(ms);
	run->main_exit_ns = build_ns(ms);
	run->exit_code = exit_code;
	run->stdio[STDIO_OUT].peer.eof_ns = build_ns(ms);
}

static inline void build_signal(struct run *run, uint64_t ms, unsigned number, uint32_t sender,
				int code)
{
	struct sent_signal *sent = number == 9 ? &run->kill : &run->other;

	*sent = (struct sent_signal){
		.ns = build_ns(ms), .number = number, .pid = sender, .code = code};
	build_exit(run, ms + 1, number);
}

/* A worker that was asked for `sum`, answered and exited with 0 after half a second. */
static inline void build_run(struct run *ret)
{
	static const char args[] = "bun\0--smol\0run\0--allow-read\0/app/.compozy/bun_worker.ts";

	memset(ret, 0, sizeof(*ret));
	ret->key.tgid = BUILD_PID;
	ret->key.start_ns = BUILD_START_NS;
	ret->flags = RUN_CONFIRMED;
	ret->parent_pid = BUILD_SERVER;
	ret->cgroup_id = 77;
	ret->exec_ns = build_ns(0);
	strcpy(ret->exe, "/usr/local/bin/bun");
	strcpy(ret->name, "bun");
	for (int i = 0; i < STDIO_COUNT; i++)
		ret->stdio[i].kind = STDIO_KIND_PIPE;
	build_args(ret, args, sizeof(args));
	build_request(ret, BUILD_REQUEST);
	build_reply(ret, BUILD_SUCCESS, strlen(BUILD_SUCCESS));
	build_exit(ret, BUILD_EXIT_MS, 0);
}
