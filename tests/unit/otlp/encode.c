/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "otlp/encode.h"
#include "otlp/pairs.h"
#include "otlp/queue.h"
#include "otlp/resources.h"

static struct span *make_span(void)
{
	struct span *span = calloc(1, sizeof(*span));

	assert_non_null(span);
	span_begin(span, "x.y", 100, 250);
	for (unsigned i = 0; i < TRACE_ID_BYTES; i++)
		span->trace.bytes[i] = (uint8_t)(0xa0 + i);
	for (unsigned i = 0; i < SPAN_ID_BYTES; i++)
		span->id.bytes[i] = (uint8_t)(i + 1);
	span->epoch_ns = 1700000000000000000;
	span->sampled = true;
	return span;
}

static struct otlp_bytes encoded(const struct span *span, struct buf *buf)
{
	otlp_encode_span(span, buf);
	assert_int_equal(buf_error(buf), 0);
	return (struct otlp_bytes){(uint8_t *)buf->data, buf->len};
}

/* Two attributes make a resource; the JSON between them and the end is what differs. */
static void assert_json(const struct span *span, const char *expected)
{
	static const struct otlp_attribute attributes[] = {{"service.name", "s"}, {"k", "\"v\""}};
	_cleanup_buf_ struct buf bytes = {}, resource = {}, json = {}, wanted = {};
	struct otlp_bytes item = encoded(span, &bytes);

	otlp_encode_resource(attributes, 2, &resource);
	otlp_encode_batch_json(&(struct otlp_group){&resource, &item, 1}, 1, &json);
	assert_int_equal(buf_error(&json), 0);
	buf_printf(&wanted,
		   "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
		   "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"s\"}},"
		   "{\"key\":\"k\",\"value\":{\"stringValue\":\"\\\"v\\\"\"}}]},"
		   "\"scopeSpans\":[{\"scope\":{\"name\":\"bunscope\",\"version\":\"%s\"},"
		   "\"spans\":[%s]}]}]}",
		   BUNSCOPE_VERSION, expected);
	assert_string_equal(buf_cstr(&json), buf_cstr(&wanted));
}

static void a_bare_span_has_what_it_must(void **state)
{
	_cleanup_free_ struct span *span = make_span();

	(void)state;
	assert_json(span, "{\"traceId\":\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\","
			  "\"spanId\":\"0102030405060708\",\"name\":\"x.y\",\"kind\":1,"
			  "\"startTimeUnixNano\":\"1700000000000000100\","
			  "\"endTimeUnixNano\":\"1700000000000000250\",\"flags\":1}");
}

static void a_full_span_has_all(void **state)
{
	_cleanup_free_ struct span *span = make_span();

	(void)state;
	span->sampled = false;
	span->kind = SPAN_SERVER;
	span->parent.bytes[0] = 0xff;
	span->status = SPAN_STATUS_ERROR;
	span->status_message = "no";
	span_set_state(span, "a=1");
	span_add_string(span, "s", "");
	span_add_strings(span, "l", "one\0two", 2);
	span_add_strings(span, "none", "", 0);
	span_add_int(span, "i", 0);
	span_add_double(span, "d", 0.5);
	struct span_event *event = span_add_event(span, "e", 120);
	span_event_int(event, "n", 7);
	span_event_string(span, event, "t", "x");
	span->dropped_attributes = 2;
	span->dropped_events = 3;
	assert_json(span,
		    "{\"traceId\":\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\","
		    "\"spanId\":\"0102030405060708\",\"traceState\":\"a=1\","
		    "\"parentSpanId\":\"ff00000000000000\",\"name\":\"x.y\",\"kind\":2,"
		    "\"startTimeUnixNano\":\"1700000000000000100\","
		    "\"endTimeUnixNano\":\"1700000000000000250\",\"attributes\":["
		    "{\"key\":\"s\",\"value\":{\"stringValue\":\"\"}},"
		    "{\"key\":\"l\",\"value\":{\"arrayValue\":{\"values\":["
		    "{\"stringValue\":\"one\"},{\"stringValue\":\"two\"}]}}},"
		    "{\"key\":\"none\",\"value\":{\"arrayValue\":{}}},"
		    "{\"key\":\"i\",\"value\":{\"intValue\":\"0\"}},"
		    "{\"key\":\"d\",\"value\":{\"doubleValue\":0.5}}],"
		    "\"droppedAttributesCount\":2,\"events\":["
		    "{\"timeUnixNano\":\"1700000000000000120\",\"name\":\"e\",\"attributes\":["
		    "{\"key\":\"n\",\"value\":{\"intValue\":\"7\"}},"
		    "{\"key\":\"t\",\"value\":{\"stringValue\":\"x\"}}]}],"
		    "\"droppedEventsCount\":3,\"status\":{\"message\":\"no\",\"code\":2}}");
}

static void what_is_no_span_is_refused(void **state)
{
	_cleanup_buf_ struct buf resource = {}, json = {};
	uint8_t garbage[] = {0xff, 0xff, 0xff};
	struct otlp_bytes item = {garbage, sizeof(garbage)};

	(void)state;
	otlp_encode_resource(NULL, 0, &resource);
	otlp_encode_batch_json(&(struct otlp_group){&resource, &item, 1}, 1, &json);
	assert_int_equal(buf_error(&json), -EBADMSG);
}

/* What a span is of stands in its resource, behind the agent's own. */
static void spans_of_containers_have_resources_of_their_own(void **state)
{
	static const struct otlp_attribute own[] = {{"service.name", "s"}};
	_cleanup_free_ struct span *span = make_span();
	_cleanup_buf_ struct buf bytes = {}, base = {}, owner = {}, nobody = {}, json = {},
				 packed = {};
	_cleanup_(resources_free) struct resources resources = {};

	(void)state;
	struct otlp_bytes item = encoded(span, &bytes);
	otlp_encode_resource(own, 1, &base);
	assert_int_equal(resources_init(&resources, &base), 0);
	otlp_encode_owner(span, &nobody);
	assert_int_equal(resources_take(&resources, &nobody), RESOURCE_OWN);
	span_add_owner(span, "container.id", "c0ffee");
	span_add_owner(span, "k8s.pod.name", "");
	otlp_encode_owner(span, &owner);
	uint16_t pod = resources_take(&resources, &owner);
	const struct otlp_group groups[] = {
		{&resources.items[RESOURCE_OWN].encoded, &item, 1},
		{&resources.items[pod].encoded, &item, 1},
	};
	otlp_encode_batch_json(groups, 2, &json);
	assert_int_equal(buf_error(&json), 0);
	json_t *found = json_loads(buf_cstr(&json), 0, NULL);
	json_t *all = json_object_get(found, "resourceSpans");
	assert_int_equal(json_array_size(all), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *resource = json_object_get(json_array_get(all, i), "resource");
		char *text = json_dumps(resource, JSON_COMPACT);

		assert_string_equal(text,
				    i ? "{\"attributes\":[{\"key\":\"service.name\",\"value\":"
					"{\"stringValue\":\"s\"}},{\"key\":\"container.id\","
					"\"value\":{\"stringValue\":\"c0ffee\"}}]}"
				      : "{\"attributes\":[{\"key\":\"service.name\",\"value\":"
					"{\"stringValue\":\"s\"}}]}");
		free(text);
	}
	json_decref(found);
	otlp_encode_batch(groups, 2, &packed);
	assert_int_equal(buf_error(&packed), 0);
	assert_true(packed.len > 2 * bytes.len);
}

static void append_owner(struct buf *owner, unsigned i)
{
	buf_clear(owner);
	buf_printf(owner, "owner %u", i);
}

/* Shared by all spans of one container; a place is free again when its last span has gone. */
static void resources_are_shared_and_bounded(void **state)
{
	_cleanup_(resources_free) struct resources resources = {};
	_cleanup_buf_ struct buf base = {}, owner = {};

	(void)state;
	assert_int_equal(resources_init(&resources, &base), 0);
	for (unsigned i = 1; i < RESOURCES_MAX; i++) {
		append_owner(&owner, i);
		assert_int_equal(resources_take(&resources, &owner), i);
		assert_int_equal(resources_take(&resources, &owner), i);
	}
	append_owner(&owner, RESOURCES_MAX);
	assert_int_equal(resources_take(&resources, &owner), RESOURCE_OWN);
	resources_give(&resources, 5);
	assert_int_equal(resources_take(&resources, &owner), RESOURCE_OWN);
	resources_give(&resources, 5);
	assert_int_equal(resources_take(&resources, &owner), 5);
	append_owner(&owner, 5);
	assert_int_equal(resources_take(&resources, &owner), RESOURCE_OWN);
}

/* ---- answers ---- */

static void assert_answer(const void *bytes, size_t n, bool json, int r, uint64_t rejected,
			  const char *message)
{
	struct otlp_answer answer;

	assert_int_equal(otlp_answer_read(bytes, n, json, 10, &answer), r);
	assert_int_equal(answer.rejected, rejected);
	assert_string_equal(answer.message, message);
}

static void protobuf_answers_are_read(void **state)
{
	static const uint8_t two[] = {0x0a, 0x08, 0x08, 0x02, 0x12, 0x04, 'l', '\n', 't', 'e'};
	static const uint8_t many[] = {0x0a, 0x03, 0x08, 0xff, 0x7f};
	static const uint8_t negative[] = {0x0a, 0x0b, 0x08, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
	static const uint8_t unknown[] = {0x10, 0x01};

	(void)state;
	assert_answer("", 0, false, 0, 0, "");
	assert_answer(two, sizeof(two), false, 0, 2, "l?te");
	assert_answer(many, sizeof(many), false, 0, 10, "");
	assert_answer(negative, sizeof(negative), false, 0, 0, "");
	assert_answer(unknown, sizeof(unknown), false, 0, 0, "");
	assert_answer(two, sizeof(two) - 1, false, -EBADMSG, 0, "");
	assert_answer("<html>", 6, false, -EBADMSG, 0, "");
}

#define ASSERT_JSON_ANSWER(text, ...) assert_answer(text, strlen(text), true, __VA_ARGS__)

static void json_answers_are_read(void **state)
{
	(void)state;
	ASSERT_JSON_ANSWER("{}", 0, 0, "");
	ASSERT_JSON_ANSWER("{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"no\"}}",
			   0, 2, "no");
	ASSERT_JSON_ANSWER("{\"partialSuccess\":{\"rejectedSpans\":3}}", 0, 3, "");
	ASSERT_JSON_ANSWER("{\"partialSuccess\":{\"rejectedSpans\":99}}", 0, 10, "");
	ASSERT_JSON_ANSWER("{\"partialSuccess\":{\"rejectedSpans\":\"-5\"}}", 0, 0, "");
	ASSERT_JSON_ANSWER("{\"partialSuccess\":[]}", 0, 0, "");
	ASSERT_JSON_ANSWER("[]", -EBADMSG, 0, "");
	ASSERT_JSON_ANSWER("{", -EBADMSG, 0, "");
}

/* ---- lists of pairs ---- */

static void pairs_are_read(void **state)
{
	_cleanup_free_ struct pairs *pairs = malloc(sizeof(*pairs));

	(void)state;
	assert_true(pairs_read("a=1, b = x%20y%2C ,,c==d=,e=", pairs));
	assert_int_equal(pairs->count, 4);
	assert_string_equal(pairs->keys[0], "a");
	assert_string_equal(pairs->values[0], "1");
	assert_string_equal(pairs->keys[1], "b");
	assert_string_equal(pairs->values[1], "x y,");
	assert_string_equal(pairs->values[2], "=d=");
	assert_string_equal(pairs->values[3], "");
	assert_true(pairs_read("", pairs));
	assert_int_equal(pairs->count, 0);
}

static void malformed_pairs_are_refused(void **state)
{
	static const char *const lists[] = {"a",     "=1",    "a=%",	 "a=%4",  "a=%zz",
					    "a=%0a", "a=%00", "a=\xc3(", "a=1,b", "a=x%0Ay"};
	_cleanup_free_ struct pairs *pairs = malloc(sizeof(*pairs));
	_cleanup_buf_ struct buf list = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		assert_false(pairs_read(lists[i], pairs));
	for (int i = 0; i <= PAIRS_MAX; i++) {
		assert_true(pairs_read(buf_cstr(&list), pairs));
		buf_append_cstr(&list, "a=1,");
	}
	assert_false(pairs_read(buf_cstr(&list), pairs));
	buf_clear(&list);
	buf_append_cstr(&list, "a=");
	while (list.len < PAIRS_BYTES - 2)
		buf_append_char(&list, 'x');
	assert_true(pairs_read(buf_cstr(&list), pairs));
	buf_append_char(&list, 'x');
	assert_false(pairs_read(buf_cstr(&list), pairs));
}

/* ---- the queue ---- */

static void a_queue_is_a_ring(void **state)
{
	struct queue queue;

	(void)state;
	assert_int_equal(queue_init(&queue, 3), 0);
	assert_int_equal(queue_oldest_ns(&queue), 0);
	for (uint64_t i = 1; i <= 20; i++) {
		assert_int_equal(queue_push(&queue, &i, sizeof(i), 0, i), 0);
		assert_int_equal(queue_push(&queue, "x", 1, 7, i + 100), 0);
		assert_int_equal(queue_oldest_ns(&queue), i);
		assert_int_equal(queue.bytes, 9);
		assert_memory_equal(queue_item(&queue, 0).data, &i, sizeof(i));
		assert_int_equal(queue_item(&queue, 1).n, 1);
		assert_int_equal(queue_resource(&queue, 0), 0);
		assert_int_equal(queue_resource(&queue, 1), 7);
		queue_pop(&queue, 2);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(queue_push(&queue, "xy", 2, 0, 1), 0);
	assert_int_equal(queue_push(&queue, "xy", 2, 0, 1), -ENOSPC);
	assert_int_equal(queue.count, 3);
	queue_free(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_span_has_what_it_must),
		cmocka_unit_test(a_full_span_has_all),
		cmocka_unit_test(what_is_no_span_is_refused),
		cmocka_unit_test(spans_of_containers_have_resources_of_their_own),
		cmocka_unit_test(resources_are_shared_and_bounded),
		cmocka_unit_test(protobuf_answers_are_read),
		cmocka_unit_test(json_answers_are_read),
		cmocka_unit_test(pairs_are_read),
		cmocka_unit_test(malformed_pairs_are_refused),
		cmocka_unit_test(a_queue_is_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
