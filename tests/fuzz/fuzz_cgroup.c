/* SPDX-License-Identifier: Apache-2.0 */
/* Names of cgroups as the kernel side hands them over, of anybody's making: what comes out is a label's value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "identity/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_digits(const char *text, size_t max)
{
	if (strlen(text) > max || strspn(text, "0123456789abcdef-") != strlen(text))
		abort();
}

/* A slash ends a name, a NUL the path of cgroup v2. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct cgroup_names names = {};
	struct cgroup_path *path = &names.v2;
	struct identity identity;
	size_t level = 0, used = 0;

	for (size_t i = 0; i < n && level < CGROUP_LEVELS; i++) {
		if (bytes[i] == '/') {
			level++;
			used = 0;
		} else if (bytes[i] == '\0' && path == &names.v2) {
			path = &names.v1;
			level = used = 0;
		} else if (used < CGROUP_NAME_BYTES) {
			path->names[level][used++] = (char)bytes[i];
		}
	}
	cgroup_identify(&names, &identity);
	check_digits(identity.container_id, CONTAINER_ID_BYTES);
	check_digits(identity.pod_uid, POD_UID_BYTES);
	return 0;
}
