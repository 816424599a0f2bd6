/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The list of a node's pods (kind PodList), as the kubelet and the API server write it, read as it arrives: pod by pod,
 * never the whole. Pods are their tenants' to fill in; what makes no sense of one leaves the others alone. Pure.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "identity/identity.h"

/* One pod's JSON. No object in a cluster is larger than 1.5 MiB; one that is larger than this has no names. */
#define POD_BYTES_MAX (1u << 20)
/* Containers of a pod, twice: those that run, and what they were before they were started again. */
#define POD_CONTAINERS_MAX 128
/* Brackets within brackets, in which jansson follows as well. */
#define PODS_DEPTH_MAX 256
/* "items" is the only member that is looked for. */
#define PODS_KEY_BYTES 8

struct pod_container {
	char id[CONTAINER_ID_BYTES + 1];
	char name[K8S_LABEL_BYTES + 1];
};

struct pod {
	char uid[POD_UID_BYTES + 1];
	/* Of one that the kubelet was given as a file: what its cgroup is called by instead; "" = it was not. */
	char file_uid[POD_UID_BYTES + 1];
	char namespace[K8S_LABEL_BYTES + 1];
	char name[K8S_NAME_BYTES + 1];
	size_t containers_count;
	struct pod_container containers[POD_CONTAINERS_MAX];
};

struct pods_reader {
	void (*pod)(void *arg, const struct pod *pod);
	void *arg;
	struct buf item; /* of the pod that is being read; owned */
	unsigned depth;
	bool in_string;
	bool escaped;
	bool behind_items; /* and its colon */
	bool in_items;
	bool in_item;
	bool skips;	/* the rest of a pod that is too large */
	bool has_items; /* there was such a member */
	bool ended;
	size_t key_bytes;
	char key[PODS_KEY_BYTES];
};

/* A new list, with a reader that is all zero or has read another. pod: called for each one. */
void pods_begin(struct pods_reader *reader, void (*pod)(void *arg, const struct pod *pod),
		void *arg);
/* The next bytes. 0; -EBADMSG: no list of pods; -ENOMEM. */
int pods_read(struct pods_reader *reader, const char *bytes, size_t n);
/* 0 when the list was whole, else -EBADMSG. */
int pods_end(const struct pods_reader *reader);
void pods_free(struct pods_reader *reader);
