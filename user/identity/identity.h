/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Whose run it is: which container's, of which pod. Plain data. */
#include <stdbool.h>

#define CONTAINER_ID_BYTES 64 /* hexadecimal digits, of every runtime */
#define POD_UID_BYTES 36      /* a UUID; of a pod that the kubelet was given as a file, 32 digits */
/* Kubernetes' own limits: a DNS label, a DNS subdomain. */
#define K8S_LABEL_BYTES 63
#define K8S_NAME_BYTES 253

/* All NUL-terminated; "" = in none, or not known. */
struct identity {
	char container_id[CONTAINER_ID_BYTES + 1];
	char pod_uid[POD_UID_BYTES + 1];
	/* What the pods of this node are called, where their list is asked for. */
	char namespace[K8S_LABEL_BYTES + 1];
	char pod[K8S_NAME_BYTES + 1];
	char container[K8S_LABEL_BYTES + 1];
};
