/* SPDX-License-Identifier: Apache-2.0 */
#include "run/measure.h"

#include "run/text.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t since(uint64_t start_ns, uint64_t ns)
{
	return ns > start_ns ? ns - start_ns : 0;
}

/* Where a read of the request was not seen, the end behind it was: docs/kernels.md, kernels that preempt. */
static uint64_t first_read_ns(const struct stream *in)
{
	if (in->self.first_ns || !stream_peer_counts(in) || !in->peer.bytes)
		return in->self.first_ns;
	return in->self.eof_ns;
}

static void measure_times(const struct run *run, struct report *ret)
{
	uint64_t read_ns = first_read_ns(&run->stdio[STDIO_IN]);
	uint64_t eof_ns = stream_eof_ns(&run->stdio[STDIO_OUT]);

	ret->latency_ns = since(run->key.start_ns, eof_ns > run->exit_ns ? eof_ns : run->exit_ns);
	/* An adopted run may have read before anybody looked. */
	ret->has_startup = read_ns && !(run->flags & RUN_ADOPTED);
	ret->startup_ns = ret->has_startup ? since(run->key.start_ns, read_ns) : 0;
}

/* The kernel's clocks differ a little: what is accounted never exceeds the thread's life. */
static void measure_main_thread(const struct run *run, struct report *ret)
{
	uint64_t end_ns = run->main_exit_ns ? run->main_exit_ns : run->exit_ns;
	uint64_t rest_ns = since(run->key.start_ns, end_ns);

	ret->main_cpu_ns = min_u64(run->main_cpu_ns, rest_ns);
	rest_ns -= ret->main_cpu_ns;
	ret->main_runqueue_ns = min_u64(run->main_runqueue_ns, rest_ns);
	ret->main_wait_ns = rest_ns - ret->main_runqueue_ns;
}

void run_measure(const struct run *run, struct report *ret)
{
	measure_times(run, ret);
	measure_main_thread(run, ret);
	ret->cpu_ns = run->cpu_ns;
	ret->max_rss_bytes = run->max_rss_bytes;
	ret->input_bytes = stream_counted(run, STDIO_IN)->bytes;
	ret->output_bytes = stream_counted(run, STDIO_OUT)->bytes;
	ret->stderr_bytes = run->stdio[STDIO_ERR].self.bytes;
}
