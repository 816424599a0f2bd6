/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record without payload is classified as the one with it. The first byte chooses what the rest
 * is: a record, or one of its texts in a record that makes sense.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/decode.h"
#include "run/redact.h"
#include "run/version.h"
#include "tests/unit/run/builder.h"
#include "tests/unit/run/reports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct run *run, const struct classify_config *config)
{
	uint64_t call_start_ns = run->exec_ns;
	struct report before = {}, after = {};
	struct run redacted = *run;

	bool was_run = run_classify(run, config, call_start_ns, &before);
	run_redact(&redacted, config);
	if (version_is(&redacted) != version_is(run) ||
	    run_classify(&redacted, config, call_start_ns, &after) != was_run)
		abort();
	if (was_run && !reports_equal(&before, &after))
		abort();
	/* It goes into a file, and must be one that is believed there. */
	if (run_decode(&redacted, sizeof(redacted), &run) != DECODE_OK)
		abort();
}

static void check_all(const struct run *run)
{
	static const char *const workers[] = {"*/bun_worker.ts", "worker*.js", "/srv/?/*"};
	const struct classify_config configs[] = {
		{.workers = workers, .workers_count = ARRAY_SIZE(workers)},
		{.track_all = true, .workers = workers, .workers_count = ARRAY_SIZE(workers)},
		{.track_all = true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++)
		check(run, &configs[i]);
}

static void build(struct run *run, uint8_t what, const uint8_t *bytes, size_t n)
{
	build_run(run);
	run->faults = what >> 4 & 1;
	run->request_offered_bytes = what >> 5 & 1 ? n + 1 : 0;
	if (what >> 6 & 1)
		memset(&run->request_peer, 0, sizeof(run->request_peer));
	switch (what & 3) {
	case 1:
		build_request_written(run, bytes, n);
		build_request_read(run, bytes, n);
		break;
	case 2:
		build_reply(run, bytes, n);
		break;
	default:
		build_args(run, bytes, n < ARGS_BYTES ? n : ARGS_BYTES);
		run->flags |= what >> 7 & 1 ? RUN_ARGS_TRUNCATED : 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct run run;
	const struct run *decoded;

	if (n == 0)
		return 0;
	if ((data[0] & 3) == 0) {
		memset(&run, 0, sizeof(run));
		memcpy(&run, data + 1, n - 1 < sizeof(run) ? n - 1 : sizeof(run));
	} else {
		build(&run, data[0], data + 1, n - 1);
	}
	if (run_decode(&run, sizeof(run), &decoded) == DECODE_OK)
		check_all(decoded);
	return 0;
}
