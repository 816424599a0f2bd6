/* SPDX-License-Identifier: Apache-2.0 */
/* A list of pods of anybody's making; the first byte says in pieces of which size it arrives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "identity/pods.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(void *arg, const struct pod *pod)
{
	(void)arg;
	if (strlen(pod->uid) > POD_UID_BYTES || strlen(pod->name) > K8S_NAME_BYTES ||
	    pod->containers_count > POD_CONTAINERS_MAX)
		abort();
	for (size_t i = 0; i < pod->containers_count; i++) {
		if (strlen(pod->containers[i].id) != CONTAINER_ID_BYTES ||
		    strlen(pod->containers[i].name) > K8S_LABEL_BYTES)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pods_reader reader = {};
	size_t piece = n ? bytes[0] + 1u : 1;
	int r = 0;

	pods_begin(&reader, check, NULL);
	for (size_t at = 1; r == 0 && at < n; at += piece)
		r = pods_read(&reader, (const char *)bytes + at, n - at < piece ? n - at : piece);
	(void)pods_end(&reader);
	pods_free(&reader);
	return 0;
}
