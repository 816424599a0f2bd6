/* SPDX-License-Identifier: Apache-2.0 */
/* An executable. What is found must lie inside it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "go/functions.h"
#include "tests/unit/go/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = {"main.main", "main.work", "a/b.(*T).Get"};
	struct go_function found[ARRAY_SIZE(names)];
	struct memory memory = {data, n};
	struct go_source source = {memory_read, &memory};

	if (go_functions_find(&source, names, ARRAY_SIZE(names), found) < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct go_function *function = &found[i];

		if (!function->found)
			continue;
		if (function->entry >= n || function->body <= function->entry ||
		    function->body >= n || function->returns.count == 0)
			abort();
		for (size_t j = 0; j < function->returns.count; j++) {
			if (function->returns.offsets[j] >= n - function->entry)
				abort();
		}
	}
	return 0;
}
