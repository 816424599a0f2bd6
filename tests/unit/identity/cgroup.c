/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define ID "0f3d5e7a9b1c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6"
#define INNER "aaaaaaaabbbbbbbbccccccccddddddddaaaaaaaabbbbbbbbccccccccdddddddd"
#define UID "0d8d1d2e-3f40-4a51-8b62-9c1b7d6e5f40"
#define UID_SYSTEMD "0d8d1d2e_3f40_4a51_8b62_9c1b7d6e5f40"
#define STATIC_UID "0123456789abcdef0123456789abcdef"

struct layout {
	const char *path; /* as /proc/PID/cgroup shows it */
	const char *container_id;
	const char *pod_uid;
};

static const struct layout layouts[] = {
	/* containerd and the kubelet, systemd: best effort, burstable, guaranteed */
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_SYSTEMD
	 ".slice/cri-containerd-" ID ".scope",
	 ID, UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_SYSTEMD
	 ".slice/cri-containerd-" ID ".scope",
	 ID, UID},
	{"/kubepods.slice/kubepods-pod" UID_SYSTEMD ".slice/cri-containerd-" ID ".scope", ID, UID},
	/* cgroupfs */
	{"/kubepods/besteffort/pod" UID "/" ID, ID, UID},
	{"/kubepods/burstable/pod" UID "/" ID, ID, UID},
	{"/kubepods/pod" UID "/" ID, ID, UID},
	/* under a --cgroup-root, as in a node that is a container itself */
	{"/docker/" ID "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_SYSTEMD
	 ".slice/cri-containerd-" INNER ".scope",
	 INNER, UID},
	/* a pod that the kubelet was given as a file */
	{"/kubepods/burstable/pod" STATIC_UID "/" ID, ID, STATIC_UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" STATIC_UID
	 ".slice/crio-" ID ".scope",
	 ID, STATIC_UID},
	/* CRI-O, with and without systemd; and what the container makes below its own */
	{"/kubepods.slice/kubepods-pod" UID_SYSTEMD ".slice/crio-" ID ".scope", ID, UID},
	{"/kubepods/pod" UID "/crio-" ID, ID, UID},
	{"/kubepods.slice/kubepods-pod" UID_SYSTEMD ".slice/crio-" ID ".scope/container", ID, UID},
	/* Docker */
	{"/system.slice/docker-" ID ".scope", ID, ""},
	{"/docker/" ID, ID, ""},
	{"/docker/" ID "/init.scope", ID, ""},
	{"/docker/" ID "/docker/" INNER, INNER, ""},
	{"/system.slice/nerdctl-" ID ".scope", ID, ""},
	/* podman: of the system, of a user, with cgroupfs; systemd within */
	{"/machine.slice/libpod-" ID ".scope", ID, ""},
	{"/machine.slice/libpod-" ID ".scope/container", ID, ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container",
	 ID, ""},
	{"/libpod_parent/libpod-" ID, ID, ""},
	{"/machine.slice/libpod-" ID ".scope/container/system.slice/compozy.service", ID, ""},
	/* a process of the pod, in none of its containers */
	{"/kubepods/pod" UID, "", UID},
	/* no container's */
	{"/", "", ""},
	{"", "", ""},
	{"/user.slice/user-0.slice/session-1.scope", "", ""},
	{"/system.slice/compozy.service", "", ""},
	/* podman's and CRI-O's monitors live beside the container */
	{"/machine.slice/libpod-conmon-" ID ".scope", "", ""},
	{"/kubepods/pod" UID "/crio-conmon-" ID, "", UID},
	/* nearly */
	{"/docker/" ID "0", "", ""},
	{"/docker/0F3D5E7A9b1c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6", "", ""},
	{"/docker-" ID ".service", "", ""},
	{"/tripod" UID, "", ""},
	{"/pod0d8d1d2e-3f40-4a51-8b62_9c1b7d6e5f40", "", ""},
	{"/pod", "", ""},
	{"/" UID, "", ""},
};

/* As the kernel side hands them over: the last name first, and no more than there is room for. */
static void build_path(const char *text, struct cgroup_path *ret)
{
	const char *end = text + strlen(text);

	*ret = (struct cgroup_path){};
	for (size_t i = 0; i < CGROUP_LEVELS && end > text; i++) {
		const char *slash = memrchr(text, '/', (size_t)(end - text));

		memcpy(ret->names[i], slash + 1, (size_t)(end - slash - 1));
		end = slash;
	}
}

static void identify(const char *v2, const char *v1, struct identity *ret)
{
	struct cgroup_names names;

	build_path(v2, &names.v2);
	build_path(v1, &names.v1);
	cgroup_identify(&names, ret);
}

static void assert_identity(const struct identity *identity, const struct layout *layout)
{
	assert_string_equal(identity->container_id, layout->container_id);
	assert_string_equal(identity->pod_uid, layout->pod_uid);
	assert_string_equal(identity->namespace, "");
	assert_string_equal(identity->pod, "");
	assert_string_equal(identity->container, "");
}

static void layouts_of_all_runtimes_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct identity identity;

		identify(layouts[i].path, "", &identity);
		assert_identity(&identity, &layouts[i]);
		identify("", layouts[i].path, &identity);
		assert_identity(&identity, &layouts[i]);
		identify("/user.slice", layouts[i].path, &identity);
		assert_identity(&identity, &layouts[i]);
	}
}

static void v2_goes_before_v1(void **state)
{
	struct identity identity;

	(void)state;
	identify("/docker/" ID, "/docker/" INNER, &identity);
	assert_string_equal(identity.container_id, ID);
}

/* A pod's name alone, beside a container's in the other hierarchy: the two are not mixed. */
static void container_and_pod_are_of_one_hierarchy(void **state)
{
	struct identity identity;

	(void)state;
	identify("/kubepods/pod" UID, "/docker/" ID, &identity);
	assert_string_equal(identity.container_id, ID);
	assert_string_equal(identity.pod_uid, "");
}

static void container_deeper_than_the_levels_is_not_found(void **state)
{
	struct identity identity;

	(void)state;
	identify("/docker/" ID "/a/b/c/d/e/f/g", "", &identity);
	assert_string_equal(identity.container_id, ID);
	identify("/docker/" ID "/a/b/c/d/e/f/g/h", "", &identity);
	assert_string_equal(identity.container_id, "");
}

/* The kernel side cuts it, and no NUL is promised. */
static void name_that_fills_its_room_is_no_ones(void **state)
{
	struct cgroup_names names;
	struct identity identity;

	(void)state;
	memset(&names, 'a', sizeof(names));
	cgroup_identify(&names, &identity);
	assert_string_equal(identity.container_id, "");
	assert_string_equal(identity.pod_uid, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts_of_all_runtimes_are_read),
		cmocka_unit_test(v2_goes_before_v1),
		cmocka_unit_test(container_and_pod_are_of_one_hierarchy),
		cmocka_unit_test(container_deeper_than_the_levels_is_not_found),
		cmocka_unit_test(name_that_fills_its_room_is_no_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
