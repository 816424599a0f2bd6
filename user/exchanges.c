/* SPDX-License-Identifier: Apache-2.0 */
#include "exchanges.h"

#include "exec/decode.h"
#include "exec/judge.h"
#include "kernel/probe.h"
#include "setup.h"
#include "sink/exec_metrics.h"

/* The two kinds of records are told apart by their sizes. */
_Static_assert(sizeof(struct exchange) != sizeof(struct run), "a record's size says what it is");

int exchanges_init(struct exchanges *exchanges, const struct config *config,
		   struct registry *registry, struct buf *message)
{
	exchanges->registry = registry;
	return setup_routes(config, &exchanges->routes, message);
}

static void exchange_finish(struct exchanges *exchanges, const struct exchange *exchange)
{
	struct exec_report report;

	if (!exchange_judge(exchange, &exchanges->routes, &report))
		return;
	exec_metrics_count(exchanges->registry, &report);
	if (exchanges->report)
		exchanges->report(exchanges->arg, &report);
}

bool exchanges_record(struct exchanges *exchanges, const void *bytes, size_t n)
{
	const struct exchange *exchange;

	if (n != sizeof(*exchange))
		return false;
	if (exchange_decode(bytes, n, &exchange))
		exchange_finish(exchanges, exchange);
	else
		exchanges->decode_errors++;
	return true;
}

struct sweep {
	struct exchanges *exchanges;
	struct probe *probe;
};

static void sweep_record(void *arg, const void *bytes, size_t n)
{
	const struct sweep *sweep = arg;
	const struct exchange *exchange;

	if (!exchange_decode(bytes, n, &exchange) || !exchange->over ||
	    !probe_take_exchange(sweep->probe, exchange->id))
		return;
	sweep->exchanges->swept++;
	exchange_finish(sweep->exchanges, exchange);
}

int exchanges_sweep(struct exchanges *exchanges, struct probe *probe,
		    const uint64_t counters[KERNEL_COUNTERS_COUNT], bool unasked)
{
	struct sweep sweep = {exchanges, probe};
	bool waiting = counters[KERNEL_EXCHANGES_OVER] >
		       counters[KERNEL_EXCHANGES_SENT] + exchanges->swept;

	return waiting || unasked ? probe_walk_exchanges(probe, sweep_record, &sweep) : 0;
}
