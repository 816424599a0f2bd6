/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "0f3d5e7a9b1c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6"
#define OTHER_ID "aaaaaaaabbbbbbbbccccccccddddddddaaaaaaaabbbbbbbbccccccccdddddddd"
#define UID "0d8d1d2e-3f40-4a51-8b62-9c1b7d6e5f40"
#define SECOND_NS 1000000000ull

static struct target *add(struct targets *targets, uint64_t id)
{
	const struct cgroup_key key = {.id = id};
	struct cgroup_names names = {};

	strcpy(names.v2.names[0], "docker-" ID ".scope");
	return targets_add(targets, &key, &names);
}

static void one_is_found_by_both_ids(void **state)
{
	struct targets targets;

	(void)state;
	assert_int_equal(targets_init(&targets, 2), 0);
	struct target *first = add(&targets, 7);
	assert_string_equal(first->identity.container_id, ID);
	assert_ptr_equal(targets_find(&targets, &(struct cgroup_key){7, 0}), first);
	assert_null(targets_find(&targets, &(struct cgroup_key){7, 1}));
	assert_null(targets_find(&targets, &(struct cgroup_key){8, 0}));
	targets_free(&targets);
}

static void full_table_turns_away_and_keeps(void **state)
{
	struct targets targets;

	(void)state;
	assert_int_equal(targets_init(&targets, 2), 0);
	assert_non_null(add(&targets, 1));
	assert_non_null(add(&targets, 2));
	uint64_t changes = targets.changes;
	assert_null(add(&targets, 3));
	assert_int_equal(targets.changes, changes);
	assert_non_null(targets_find(&targets, &(struct cgroup_key){1, 0}));
	assert_non_null(targets_find(&targets, &(struct cgroup_key){2, 0}));
	targets_free(&targets);
}

static void removed_one_makes_room(void **state)
{
	struct targets targets;

	(void)state;
	assert_int_equal(targets_init(&targets, 2), 0);
	assert_non_null(add(&targets, 1));
	assert_non_null(add(&targets, 2));
	uint64_t changes = targets.changes;
	targets_remove(&targets, 0);
	assert_true(targets.changes > changes);
	assert_null(targets_find(&targets, &(struct cgroup_key){1, 0}));
	assert_non_null(targets_find(&targets, &(struct cgroup_key){2, 0}));
	assert_non_null(add(&targets, 3));
	targets_free(&targets);
}

static void one_goes_when_it_is_idle_and_its_server_gone(void **state)
{
	const struct target served = {.seen_ns = SECOND_NS, .server_pid = 9};
	const struct target unserved = {.seen_ns = SECOND_NS};
	uint64_t idle_ns = SECOND_NS + TARGET_IDLE_NS;
	uint64_t idle_max_ns = SECOND_NS + TARGET_IDLE_MAX_NS;

	(void)state;
	assert_false(target_may_go(&served, true, 0));
	assert_false(target_may_go(&served, true, idle_ns));
	assert_true(target_may_go(&served, true, idle_ns + 1));
	assert_false(target_may_go(&served, false, idle_max_ns + 1));
	assert_false(target_may_go(&unserved, false, idle_ns + 1));
	assert_false(target_may_go(&unserved, false, idle_max_ns));
	assert_true(target_may_go(&unserved, false, idle_max_ns + 1));
}

/* A container of a pod, by the cgroup's names. */
static struct target *add_pods(struct targets *targets, uint64_t id, const char *container)
{
	const struct cgroup_key key = {.id = id};
	struct cgroup_names names = {};

	strcpy(names.v2.names[0], container);
	strcpy(names.v2.names[1], "pod" UID);
	return targets_add(targets, &key, &names);
}

static const struct pod pod = {
	.uid = UID,
	.namespace = "shop",
	.name = "web-0",
	.containers_count = 1,
	.containers = {{ID, "server"}},
};

static void pod_names_its_containers(void **state)
{
	struct targets targets;

	(void)state;
	assert_int_equal(targets_init(&targets, 4), 0);
	assert_false(targets_want_names(&targets));
	struct target *elsewhere = add(&targets, 1);
	assert_false(targets_want_names(&targets));
	struct target *known = add_pods(&targets, 2, ID);
	assert_true(targets_want_names(&targets));
	targets_name(&targets, &pod);
	assert_string_equal(known->identity.namespace, "shop");
	assert_string_equal(known->identity.pod, "web-0");
	assert_string_equal(known->identity.container, "server");
	assert_string_equal(elsewhere->identity.pod, "");
	assert_false(targets_want_names(&targets));
	targets_free(&targets);
}

/* The kubelet is told of a new container some time after it runs. */
static void container_without_a_name_is_asked_for_again(void **state)
{
	struct pod later = pod;
	struct targets targets;

	(void)state;
	assert_int_equal(targets_init(&targets, 4), 0);
	struct target *target = add_pods(&targets, 1, OTHER_ID);
	targets_name(&targets, &pod);
	assert_string_equal(target->identity.pod, "web-0");
	assert_string_equal(target->identity.container, "");
	assert_true(targets_want_names(&targets));
	strcpy(later.containers[0].id, OTHER_ID);
	targets_name(&targets, &later);
	assert_string_equal(target->identity.container, "server");
	assert_false(targets_want_names(&targets));
	targets_free(&targets);
}

static void pod_given_as_a_file_is_known_by_its_hash(void **state)
{
	struct pod of_file = pod;
	struct targets targets;

	(void)state;
	strcpy(of_file.uid, "another");
	strcpy(of_file.file_uid, UID);
	assert_int_equal(targets_init(&targets, 4), 0);
	(void)add_pods(&targets, 1, ID);
	targets_name(&targets, &of_file);
	assert_false(targets_want_names(&targets));
	targets_free(&targets);
}

static void pod_of_another_uid_names_nobody(void **state)
{
	struct pod other = pod;
	struct targets targets;

	(void)state;
	strcpy(other.uid, "another");
	assert_int_equal(targets_init(&targets, 4), 0);
	struct target *target = add_pods(&targets, 1, ID);
	uint64_t changes = targets.changes;
	targets_name(&targets, &other);
	assert_string_equal(target->identity.pod, "");
	assert_int_equal(targets.changes, changes);
	targets_free(&targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_names_its_containers),
		cmocka_unit_test(container_without_a_name_is_asked_for_again),
		cmocka_unit_test(pod_given_as_a_file_is_known_by_its_hash),
		cmocka_unit_test(pod_of_another_uid_names_nobody),
		cmocka_unit_test(one_is_found_by_both_ids),
		cmocka_unit_test(full_table_turns_away_and_keeps),
		cmocka_unit_test(removed_one_makes_room),
		cmocka_unit_test(one_goes_when_it_is_idle_and_its_server_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
