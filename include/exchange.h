/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One HTTP exchange of a watched server on an execution route, as the kernel side assembles it and as it crosses
 * the ring: from the request's first byte to the response's last. Needs __u32 and __u64 from its includer.
 * All times are CLOCK_MONOTONIC nanoseconds, 0 = did not happen. All texts are hostile.
 */
#include "include/limits.h"

enum exchange_flag {
	/* The request line was longer than its room. */
	EXCHANGE_LINE_CUT = 1u << 0,
	/* The traceparent or the tracestate was. */
	EXCHANGE_TRACE_CUT = 1u << 1,
	/* HEAD: the response has no body. */
	EXCHANGE_HEAD = 1u << 2,
	/* The request asked for a 100 (Continue) and waited for it. */
	EXCHANGE_EXPECTS = 1u << 3,
	/* Its route starts an execution, sync or async. */
	EXCHANGE_EXECUTES = 1u << 4,
	/* Behind another request that had not been answered yet: pipelined. */
	EXCHANGE_QUEUED = 1u << 5,
	/* Memory of the server could not be read: a text has a gap. */
	EXCHANGE_FAULT = 1u << 6,
	/* Part of the request's body was not seen. */
	EXCHANGE_BODY_GAP = 1u << 7,
};

/* Whose body it is: the order is that of enum transfer_direction, as the server reads and writes. */
enum exchange_side {
	EXCHANGE_REQUEST = 0,
	EXCHANGE_RESPONSE = 1,
	EXCHANGE_SIDES = 2,
};

enum exchange_end {
	EXCHANGE_OPEN = 0,     /* under way */
	EXCHANGE_ANSWERED = 1, /* the response is complete */
	EXCHANGE_CUT = 2,      /* the connection ended within the response */
	EXCHANGE_CLOSED = 3,   /* it ended before a byte of response */
	EXCHANGE_UNKNOWN = 4,  /* the connection could not be followed to the end */
};

struct exchange {
	__u64 id;	  /* of this exchange alone, for the life of a system */
	__u64 connection; /* the same for the exchanges of one connection while it lives */
	__u64 goroutine;  /* Go: address of the one that read the request, 0 = not known */
	__u64 server_start_ns;
	__u32 server_pid; /* tgid that read the request */
	__u32 flags;	  /* enum exchange_flag */
	__u64 cgroup_id;  /* cgroup v2 id of the server */
	__u64 request_first_ns;
	__u64 request_last_ns; /* the request was read to its end, body and all */
	__u64 response_first_ns;
	__u64 response_last_ns;
	__u64 client_gone_ns; /* the client had closed or reset the connection */
	__u64 execution_ns;   /* Go: the goroutine that handles it called its first tool */
	__u64 end_ns;	      /* response_last_ns, or when the connection ended */
	__u32 end;	      /* enum exchange_end */
	__u32 status;	      /* of the final response, 0 = none */
	__u32 over;	  /* 1 = finished, but the ring could not take it: waits for the sweep */
	__u32 line_bytes; /* valid bytes of each text */
	__u32 traceparent_bytes;
	__u32 tracestate_bytes;
	__u32 body_bytes[EXCHANGE_SIDES];
	__u64 request_body_bytes; /* in all; 0 also where requests' bodies are not looked at */
	__u32 request_tail_bytes;
	__u32 pad;
	__u8 line[REQUEST_LINE_BYTES]; /* without its end of line */
	/*
	 * The first bytes of each body: of the response for the execution's id, of the request, where spans are wanted,
	 * for its action and timeout. The verifier knows a masked offset and a length, not that their sum stays inside;
	 * what follows has to be as long.
	 */
	__u8 body[EXCHANGE_SIDES][BODY_HEAD_BYTES];
	__u8 tracestate[TRACESTATE_BYTES]; /* the header's value, blanks around it included */
	__u8 traceparent[TRACEPARENT_BYTES];
	__u8 request_tail
		[BODY_TAIL_BYTES]; /* the request's last bytes, as they were read at once */
};

#define EXCHANGE_OFFSETS(X)                                                                        \
	X(id, 0)                                                                                   \
	X(server_pid, 32)                                                                          \
	X(request_first_ns, 48)                                                                    \
	X(end, 104)                                                                                \
	X(line, 152)                                                                               \
	X(body, 408)                                                                               \
	X(tracestate, 920)                                                                         \
	X(traceparent, 1176)                                                                       \
	X(request_tail, 1304)

#define X(member, offset)                                                                          \
	_Static_assert(__builtin_offsetof(struct exchange, member) == (offset), "both sides "      \
										"agree");
EXCHANGE_OFFSETS(X)
#undef X
_Static_assert(sizeof(struct exchange) == 1368, "both sides agree");
