/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/pods.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define ID "0f3d5e7a9b1c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6"
#define OLD "aaaaaaaabbbbbbbbccccccccddddddddaaaaaaaabbbbbbbbccccccccdddddddd"
#define UID "0d8d1d2e-3f40-4a51-8b62-9c1b7d6e5f40"
#define HASH "0123456789abcdef0123456789abcdef"

#define META(uid, name)                                                                            \
	"\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"" uid "\"}"
#define LIST(items) "{\"kind\":\"PodList\",\"metadata\":{\"items\":[{}]},\"items\":[" items "]}\n"

#define POD                                                                                        \
	"{" META(UID,                                                                              \
		 "web-0") ",\"spec\":{\"x\":\"}]\\\"{[\"},\"status\":{\"containerStatuses\":["     \
			  "{\"name\":\"server\",\"containerID\":\"containerd://" ID "\","          \
			  "\"lastState\":{\"terminated\":{\"containerID\":\"containerd://" OLD     \
			  "\"}}}]}}"

struct seen {
	size_t count;
	struct pod first;
};

static void keep(void *arg, const struct pod *pod)
{
	struct seen *seen = arg;

	if (seen->count++ == 0)
		seen->first = *pod;
}

static int read_in_pieces(const char *text, size_t n, size_t piece, struct seen *ret)
{
	_cleanup_(pods_free) struct pods_reader reader = {};
	int r = 0;

	*ret = (struct seen){};
	pods_begin(&reader, keep, ret);
	for (size_t at = 0; r == 0 && at < n; at += piece)
		r = pods_read(&reader, text + at, n - at < piece ? n - at : piece);
	return r < 0 ? r : pods_end(&reader);
}

static int read_list(const char *text, struct seen *ret)
{
	return read_in_pieces(text, strlen(text), strlen(text), ret);
}

static void pod_and_its_containers_are_read(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(read_list(LIST(POD), &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.first.uid, UID);
	assert_string_equal(seen.first.file_uid, "");
	assert_string_equal(seen.first.namespace, "shop");
	assert_string_equal(seen.first.name, "web-0");
	assert_int_equal(seen.first.containers_count, 2);
	assert_string_equal(seen.first.containers[0].id, ID);
	assert_string_equal(seen.first.containers[0].name, "server");
	assert_string_equal(seen.first.containers[1].id, OLD);
	assert_string_equal(seen.first.containers[1].name, "server");
}

static void pieces_of_any_size_read_the_same(void **state)
{
	static const char text[] = LIST(POD "," POD ",\n" POD);

	(void)state;
	for (size_t piece = 1; piece < 40; piece++) {
		struct seen seen;

		assert_int_equal(read_in_pieces(text, strlen(text), piece, &seen), 0);
		assert_int_equal(seen.count, 3);
		assert_string_equal(seen.first.containers[0].id, ID);
	}
}

static void pod_given_as_a_file_has_its_hash(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(
		read_list(LIST("{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"uid\":\"" UID
			       "\",\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH "\"}}}"),
			  &seen),
		0);
	assert_string_equal(seen.first.uid, UID);
	assert_string_equal(seen.first.file_uid, HASH);
}

/* A list is whole without a pod that makes no sense; the others have their names. */
static void pods_that_make_no_sense_are_left_out(void **state)
{
	static const char *const items[] = {
		"{}",
		"{\"metadata\":[]}",
		"{\"metadata\":{\"name\":1,\"namespace\":\"b\",\"uid\":\"" UID "\"}}",
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"uid\":\"" UID UID "\"}}",
		"{\"metadata\":{\"name\":\"a\",\"uid\":\"" UID "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		_cleanup_buf_ struct buf text = {};
		struct seen seen;

		buf_printf(&text, "{\"items\":[%s," POD "]}", items[i]);
		assert_int_equal(read_list(buf_cstr(&text), &seen), 0);
		assert_int_equal(seen.count, 1);
		assert_string_equal(seen.first.name, "web-0");
	}
}

static void containers_without_an_id_are_left_out(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(
		read_list(LIST("{" META(
				  UID,
				  "a") ",\"status\":{\"containerStatuses\":["
				       "{\"name\":\"x\"},{\"name\":\"y\",\"containerID\":\"\"},"
				       "{\"name\":\"z\",\"containerID\":\"docker://12\"},7,null],"
				       "\"initContainerStatuses\":{},"
				       "\"ephemeralContainerStatuses\":null}}"),
			  &seen),
		0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.first.containers_count, 0);
}

static void node_without_pods_has_a_list(void **state)
{
	struct seen seen;

	(void)state;
	assert_int_equal(read_list("{\"items\":[]}", &seen), 0);
	assert_int_equal(read_list("{\"kind\":\"PodList\",\"items\":null}", &seen), 0);
	assert_int_equal(seen.count, 0);
}

static void what_is_no_list_is_said(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"null",
		"\"items\"",
		"{}",
		"{\"kind\":\"Status\",\"code\":403}",
		"{\"items\":[",
		"{\"items\":[]",
		"{\"items\":[]}}",
		"{\"items\":[]} x",
		"]",
		"{\"items\":[{\"metadata\":}]}",
		"<html>items</html>",
		"{\"x\":\"items\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct seen seen;

		assert_int_equal(read_list(texts[i], &seen), -EBADMSG);
		assert_int_equal(seen.count, 0);
	}
}

static void list_that_breaks_off_has_told_of_its_first_pods(void **state)
{
	static const char text[] = LIST(POD "," POD);
	struct seen seen;

	(void)state;
	assert_int_equal(read_in_pieces(text, strlen(text) - 40, 16, &seen), -EBADMSG);
	assert_int_equal(seen.count, 1);
}

static void append_large_pod(struct buf *text, size_t bytes)
{
	buf_append_cstr(text, "{" META(UID, "large") ",\"x\":\"");
	for (size_t i = 0; i < bytes; i++)
		buf_append_char(text, 'x');
	buf_append_cstr(text, "\"}");
}

/* Whoever fills in a pod must not take the others' names away, nor our memory. */
static void pod_that_is_too_large_is_left_out(void **state)
{
	_cleanup_buf_ struct buf text = {};
	struct seen seen;

	(void)state;
	buf_append_cstr(&text, "{\"items\":[");
	append_large_pod(&text, POD_BYTES_MAX);
	buf_append_cstr(&text, "," POD "]}");
	assert_int_equal(read_list(buf_cstr(&text), &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.first.name, "web-0");
}

static void more_containers_than_there_is_room_for_are_left_out(void **state)
{
	_cleanup_buf_ struct buf text = {};
	struct seen seen;

	(void)state;
	buf_append_cstr(&text,
			"{\"items\":[{" META(UID, "a") ",\"status\":{\"containerStatuses\":[");
	for (size_t i = 0; i <= POD_CONTAINERS_MAX; i++)
		buf_printf(&text, "%s{\"name\":\"c\",\"containerID\":\"x://" ID "\"}",
			   i ? "," : "");
	buf_append_cstr(&text, "]}}]}");
	assert_int_equal(read_list(buf_cstr(&text), &seen), 0);
	assert_int_equal(seen.first.containers_count, POD_CONTAINERS_MAX);
}

static void brackets_are_not_followed_for_ever(void **state)
{
	_cleanup_buf_ struct buf text = {};
	struct seen seen;

	(void)state;
	buf_append_cstr(&text, "{\"items\":[{\"x\":");
	for (size_t i = 0; i < PODS_DEPTH_MAX; i++)
		buf_append_char(&text, '[');
	assert_int_equal(read_list(buf_cstr(&text), &seen), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pod_and_its_containers_are_read),
		cmocka_unit_test(pieces_of_any_size_read_the_same),
		cmocka_unit_test(pod_given_as_a_file_has_its_hash),
		cmocka_unit_test(pods_that_make_no_sense_are_left_out),
		cmocka_unit_test(containers_without_an_id_are_left_out),
		cmocka_unit_test(node_without_pods_has_a_list),
		cmocka_unit_test(what_is_no_list_is_said),
		cmocka_unit_test(list_that_breaks_off_has_told_of_its_first_pods),
		cmocka_unit_test(pod_that_is_too_large_is_left_out),
		cmocka_unit_test(more_containers_than_there_is_room_for_are_left_out),
		cmocka_unit_test(brackets_are_not_followed_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
