/* SPDX-License-Identifier: Apache-2.0 */
/* Ring bytes, and what every accepted record is classified as. A short input is a record ending in zeros. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "run/classify.h"
#include "run/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void classify(const struct run *run, bool track_all)
{
	static const char *const workers[] = {"*/bun_worker.ts", "worker*.js"};
	const struct classify_config config = {track_all, workers, ARRAY_SIZE(workers)};
	struct report report;

	(void)run_identify(run, &config, &report);
	if (!run_classify(run, &config, run->exec_ns, &report))
		return;
	if (!utf8_valid(report.tool_id, strlen(report.tool_id)) || !report.tool_id[0])
		abort();
	if (report.outcome == OUTCOME_ERROR && !report.error_kinds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct run padded;
	const struct run *run;

	(void)run_decode(data, n, &run);
	memset(&padded, 0, sizeof(padded));
	memcpy(&padded, data, n < sizeof(padded) ? n : sizeof(padded));
	if (run_decode(&padded, sizeof(padded), &run) != DECODE_OK)
		return 0;
	classify(run, false);
	classify(run, true);
	return 0;
}
