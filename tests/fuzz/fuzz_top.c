/* SPDX-License-Identifier: Apache-2.0 */
/* What answers `bunscope top` may be anything: it is read, sorted and drawn, whatever it says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "top/rows.h"
#include "top/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_cleanup_top_rows_ struct top_rows rows = {0};
	_cleanup_buf_ struct buf out = {0};
	struct top_screen screen = {.width = 60, .height = 10, .sort = TOP_P95, .agent = "a"};

	if (top_rows_read(data, n, &rows) < 0)
		return 0;
	top_screen_write(&screen, &rows, &out);
	if (buf_error(&out) < 0)
		abort();
	return 0;
}
