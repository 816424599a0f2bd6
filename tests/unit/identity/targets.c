/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/targets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "0f3d5e7a9b1c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_found_by_both_ids),
		cmocka_unit_test(full_table_turns_away_and_keeps),
		cmocka_unit_test(removed_one_makes_room),
		cmocka_unit_test(one_goes_when_it_is_idle_and_its_server_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
