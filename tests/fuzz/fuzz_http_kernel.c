/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a server as the programs in the kernel follow it (bpf/http.bpf.c). The input is what client and server
 * say, the client first. Bytes that are in no text say what happens: 0xff the other one speaks, 0xfe a transfer ends,
 * 0xfd its first piece does, 0xfc the client closes its side.
 *
 * Nothing is read but what was transferred, every request that is complete is one record, the records are sound, and
 * what they say does not depend on how the bytes were cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

#include "base/cleanup.h"
#include "exec/decode.h"
#include "exec/judge.h"
#include "include/counters.h"
#include "kernel/route_filter.h"
#include "tests/fuzz/kernel/http.h"

#define INPUT_BYTES 1500 /* fewer lines than one transfer is looked through for */
#define EXCHANGES_MAX 64
/* A connection is followed once the first bytes look like a request; of fewer that is another question. */
#define FIRST_BYTES 8

enum { CLIENT_CLOSES = 0xfc, PIECE_ENDS, TRANSFER_ENDS, OTHER_SPEAKS };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct story {
	size_t count;
	struct exchange told[EXCHANGES_MAX];
	bool followed; /* from the first bytes on */
	size_t first_bytes;
};

static struct routes routes;
static struct story *telling;

static void check(bool good)
{
	if (!good)
		abort();
}

static void hear(const struct exchange *exchange)
{
	const struct exchange *decoded;
	struct exec_report report;

	check(exchange_decode(exchange, sizeof(*exchange), &decoded));
	(void)exchange_judge(decoded, &routes, &report);
	check(telling->count < EXCHANGES_MAX);
	telling->told[telling->count++] = *exchange;
}

/* A transfer as it is put together. */
struct pending {
	uint8_t bytes[INPUT_BYTES];
	size_t n;
	size_t first; /* bytes of the first of two pieces */
	int direction;
};

static void transfer(struct pending *pending)
{
	uint8_t *exact = malloc(pending->n ?: 1);
	int followed;

	check(exact);
	if (pending->n) {
		memcpy(exact, pending->bytes, pending->n);
		followed =
			kernel_http_transfer(pending->direction, exact, pending->n, pending->first);
		if (pending->direction == KERNEL_READ && !telling->first_bytes) {
			telling->first_bytes = pending->first ?: pending->n;
			telling->followed = followed;
		}
	}
	free(exact);
	pending->n = pending->first = 0;
}

static void take(struct pending *pending, uint8_t byte, bool cut)
{
	switch (byte) {
	case OTHER_SPEAKS:
		transfer(pending);
		pending->direction = !pending->direction;
		break;
	case TRANSFER_ENDS:
		if (cut)
			transfer(pending);
		break;
	case PIECE_ENDS:
		if (cut && !pending->first)
			pending->first = pending->n;
		break;
	case CLIENT_CLOSES:
		transfer(pending);
		kernel_http_client_gone();
		break;
	default:
		pending->bytes[pending->n++] = byte;
	}
}

static void tell(struct story *story, const uint8_t *data, size_t n, bool cut)
{
	struct route_filter filters[ROUTES_MAX];
	struct pending pending = {.direction = KERNEL_READ};

	memset(story, 0, sizeof(*story));
	telling = story;
	for (size_t i = 0; i < routes.count; i++)
		check(!route_filter_make(routes.items[i].method, routes.items[i].pattern,
					 routes.items[i].operation != EXEC_OPERATION_STATUS,
					 &filters[i]));
	kernel_http_begin(filters, (unsigned)routes.count, hear);
	for (size_t i = 0; i < n; i++)
		take(&pending, data[i], cut);
	transfer(&pending);
	check(kernel_http_end() == 0);
	check(kernel_http_count(KERNEL_EXCHANGES_BEGUN) == story->count);
	check(kernel_http_count(KERNEL_EXCHANGES_SENT) == story->count);
}

static void same_text(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes)
{
	check(a_bytes == b_bytes && !memcmp(a, b, a_bytes));
}

/* All but times, ids, and a body's end, which is kept as it comes at once. */
static void same(const struct exchange *a, const struct exchange *b)
{
	check(a->status == b->status && a->end == b->end && a->flags == b->flags);
	check(!a->response_first_ns == !b->response_first_ns);
	check(!a->client_gone_ns == !b->client_gone_ns);
	check(a->request_body_bytes == b->request_body_bytes);
	same_text(a->line, a->line_bytes, b->line, b->line_bytes);
	same_text(a->traceparent, a->traceparent_bytes, b->traceparent, b->traceparent_bytes);
	same_text(a->tracestate, a->tracestate_bytes, b->tracestate, b->tracestate_bytes);
	for (size_t side = 0; side < EXCHANGE_SIDES; side++)
		same_text(a->body[side], a->body_bytes[side], b->body[side], b->body_bytes[side]);
}

/* Of a longer one the middle is lost where it is cut, and with it perhaps how it ends. One may go on after the other spoke. */
static bool lines_have_room(const uint8_t *data, size_t n)
{
	size_t lines[2] = {}, longest = 0, side = KERNEL_READ;

	for (size_t i = 0; i < n; i++) {
		lines[side] = data[i] == '\n' ? 0 : lines[side] + 1;
		longest = lines[side] > longest ? lines[side] : longest;
		if (data[i] == OTHER_SPEAKS)
			side = !side;
	}
	return longest <= HTTP_LINE_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct story cut, whole;
	const char *wrong = "";

	for (size_t i = 0; routes.count < default_routes_count; i++)
		check(!routes_add(&routes, "/api/v0", default_routes[i], &wrong));
	if (n > INPUT_BYTES)
		return 0;
	tell(&cut, data, n, true);
	tell(&whole, data, n, false);
	if (!cut.followed || !whole.followed || cut.first_bytes < FIRST_BYTES ||
	    !lines_have_room(data, n))
		return 0;
	check(cut.count == whole.count);
	for (size_t i = 0; i < cut.count; i++)
		same(&cut.told[i], &whole.told[i]);
	return 0;
}
