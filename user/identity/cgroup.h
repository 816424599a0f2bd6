/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a cgroup's names to a container's id and a pod's uid, as runtimes and the kubelet name them, with systemd
 * and without:
 *
 *	…/kubepods-burstable-pod0d8d1d2e_…_9c1b.slice/cri-containerd-ID.scope	containerd
 *	/kubepods/burstable/pod0d8d1d2e-…-9c1b/ID				the same with cgroupfs
 *	…/crio-ID.scope, …/crio-ID						CRI-O
 *	/system.slice/docker-ID.scope, /docker/ID				Docker
 *	/machine.slice/libpod-ID.scope/container, /libpod_parent/libpod-ID	podman
 *
 * ID is 64 hexadecimal digits. Pure.
 */
#include <linux/types.h>

#include "identity/identity.h"
#include "include/watch.h"

/*
 * The innermost container, and the innermost pod around it; in hierarchies of v1 where those of v2 tell of none.
 * Names are hostile: what looks like neither leaves "" behind.
 */
void cgroup_identify(const struct cgroup_names *names, struct identity *ret);
