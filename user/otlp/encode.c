/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp/encode.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "otlp.pb-c.h"
#include "otlp/resources.h"

#define SCOPE_NAME "bunscope"
#define FLAG_SAMPLED 1u

#define ATTRIBUTES_MAX (SPAN_ATTRIBUTES_MAX + SPAN_EVENTS_MAX * SPAN_EVENT_ATTRIBUTES_MAX)
#define ITEMS_MAX 64 /* of all string arrays of a span */
#define ARRAYS_MAX 4

/* The library takes arrays of pointers: what they point to, all of one span's. */
struct tree {
	Otlp__Span span;
	Otlp__Status status;
	Otlp__KeyValue attributes[ATTRIBUTES_MAX];
	Otlp__KeyValue *attribute_ptrs[ATTRIBUTES_MAX];
	Otlp__AnyValue values[ATTRIBUTES_MAX];
	Otlp__Event events[SPAN_EVENTS_MAX];
	Otlp__Event *event_ptrs[SPAN_EVENTS_MAX];
	Otlp__ArrayValue arrays[ARRAYS_MAX];
	Otlp__AnyValue items[ITEMS_MAX];
	Otlp__AnyValue *item_ptrs[ITEMS_MAX];
	size_t attributes_used;
	size_t arrays_used;
	size_t items_used;
};

static void pack(const ProtobufCMessage *message, struct buf *out)
{
	size_t n = protobuf_c_message_get_packed_size(message);

	if (buf_reserve(out, n) < 0)
		return;
	out->len += protobuf_c_message_pack(message, (uint8_t *)out->data + out->len);
}

/* ---- a span ---- */

/* The library's structures have no const; packing changes nothing. */
static char *text(const char *string)
{
	return (char *)string;
}

static void put_strings(struct tree *tree, const char *strings, size_t count, Otlp__AnyValue *ret)
{
	Otlp__ArrayValue *array = &tree->arrays[tree->arrays_used];

	if (tree->arrays_used == ARRAYS_MAX)
		return;
	tree->arrays_used++;
	otlp__array_value__init(array);
	array->values = &tree->item_ptrs[tree->items_used];
	for (; count && tree->items_used < ITEMS_MAX; count--) {
		Otlp__AnyValue *item = &tree->items[tree->items_used];

		otlp__any_value__init(item);
		item->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
		item->string_value = text(strings);
		tree->item_ptrs[tree->items_used++] = item;
		array->n_values++;
		strings += strlen(strings) + 1;
	}
	ret->value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
	ret->array_value = array;
}

static void put_value(struct tree *tree, const struct span *span, const struct attribute *attribute,
		      Otlp__AnyValue *ret)
{
	otlp__any_value__init(ret);
	switch (attribute->type) {
	case ATTRIBUTE_STRING:
		ret->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
		ret->string_value = text(span_text(span, attribute));
		break;
	case ATTRIBUTE_STRINGS:
		put_strings(tree, span_text(span, attribute), attribute->strings, ret);
		break;
	case ATTRIBUTE_INT:
		ret->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
		ret->int_value = attribute->number;
		break;
	case ATTRIBUTE_DOUBLE:
		ret->value_case = OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE;
		ret->double_value = attribute->real;
		break;
	}
}

/* Where the pointers to them begin. */
static Otlp__KeyValue **put_attributes(struct tree *tree, const struct span *span,
				       const struct attribute *attributes, size_t count)
{
	Otlp__KeyValue **first = &tree->attribute_ptrs[tree->attributes_used];

	for (size_t i = 0; i < count; i++) {
		size_t at = tree->attributes_used++;
		Otlp__KeyValue *put = &tree->attributes[at];

		otlp__key_value__init(put);
		put->key = text(attributes[i].key);
		put->value = &tree->values[at];
		put_value(tree, span, &attributes[i], put->value);
		tree->attribute_ptrs[at] = put;
	}
	return first;
}

static void put_events(struct tree *tree, const struct span *span)
{
	for (size_t i = 0; i < span->events_count; i++) {
		const struct span_event *event = &span->events[i];
		Otlp__Event *put = &tree->events[i];

		otlp__event__init(put);
		put->time_unix_nano = span->epoch_ns + event->ns;
		put->name = text(event->name);
		put->n_attributes = event->attributes_count;
		put->attributes =
			put_attributes(tree, span, event->attributes, event->attributes_count);
		tree->event_ptrs[i] = put;
	}
	tree->span.n_events = span->events_count;
	tree->span.events = tree->event_ptrs;
}

static ProtobufCBinaryData id_bytes(const uint8_t *id, size_t n)
{
	return (ProtobufCBinaryData){.len = n, .data = (uint8_t *)id};
}

static void put_identity(struct tree *tree, const struct span *span)
{
	Otlp__Span *put = &tree->span;

	otlp__span__init(put);
	put->trace_id = id_bytes(span->trace.bytes, TRACE_ID_BYTES);
	put->span_id = id_bytes(span->id.bytes, SPAN_ID_BYTES);
	if (span_id_is_set(&span->parent))
		put->parent_span_id = id_bytes(span->parent.bytes, SPAN_ID_BYTES);
	put->trace_state = text(span->text + span->state_at);
	put->flags = span->sampled ? FLAG_SAMPLED : 0;
	put->name = text(span->name);
	put->kind = span->kind;
	put->start_time_unix_nano = span->epoch_ns + span->start_ns;
	put->end_time_unix_nano = span->epoch_ns + span->end_ns;
	put->dropped_attributes_count = span->dropped_attributes;
	put->dropped_events_count = span->dropped_events;
}

static void put_status(struct tree *tree, const struct span *span)
{
	if (span->status == SPAN_STATUS_UNSET)
		return;
	otlp__status__init(&tree->status);
	tree->status.code = span->status;
	tree->status.message = text(span->status_message);
	tree->span.status = &tree->status;
}

void otlp_encode_span(const struct span *span, struct buf *out)
{
	struct tree tree;

	tree.attributes_used = tree.arrays_used = tree.items_used = 0;
	put_identity(&tree, span);
	put_status(&tree, span);
	tree.span.n_attributes = span->attributes_count;
	tree.span.attributes =
		put_attributes(&tree, span, span->attributes, span->attributes_count);
	put_events(&tree, span);
	pack(&tree.span.base, out);
}

/* ---- a batch ---- */

void otlp_encode_resource(const struct otlp_attribute *attributes, size_t count, struct buf *out)
{
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	Otlp__KeyValue pairs[OTLP_RESOURCE_MAX], *pair_ptrs[OTLP_RESOURCE_MAX];
	Otlp__AnyValue values[OTLP_RESOURCE_MAX];

	if (count > OTLP_RESOURCE_MAX) {
		out->error = -E2BIG;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		otlp__key_value__init(&pairs[i]);
		otlp__any_value__init(&values[i]);
		values[i].value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
		values[i].string_value = text(attributes[i].value);
		pairs[i].key = text(attributes[i].key);
		pairs[i].value = &values[i];
		pair_ptrs[i] = &pairs[i];
	}
	resource.n_attributes = count;
	resource.attributes = pair_ptrs;
	pack(&resource.base, out);
}

void otlp_encode_owner(const struct span *span, struct buf *out)
{
	Otlp__Resource resource = OTLP__RESOURCE__INIT;
	struct tree tree;

	tree.attributes_used = tree.arrays_used = tree.items_used = 0;
	resource.n_attributes = span->owner_count;
	resource.attributes = put_attributes(&tree, span, span->owner, span->owner_count);
	pack(&resource.base, out);
}

/* What a group is made of for the library. */
struct pieces {
	Otlp__ResourceSpans group;
	Otlp__ScopeSpans scope_spans;
	Otlp__ScopeSpans *scopes[1];
};

/* bytes: room for its spans. */
static void put_group(const struct otlp_group *group, Otlp__InstrumentationScope *scope,
		      ProtobufCBinaryData *bytes, struct pieces *ret)
{
	for (size_t i = 0; i < group->count; i++)
		bytes[i] = id_bytes(group->spans[i].data, group->spans[i].n);
	otlp__scope_spans__init(&ret->scope_spans);
	ret->scope_spans.scope = scope;
	ret->scope_spans.n_spans = group->count;
	ret->scope_spans.spans = bytes;
	ret->scopes[0] = &ret->scope_spans;
	otlp__resource_spans__init(&ret->group);
	ret->group.resource =
		id_bytes((const uint8_t *)group->resource->data, group->resource->len);
	ret->group.n_scope_spans = 1;
	ret->group.scope_spans = ret->scopes;
}

void otlp_encode_batch(const struct otlp_group *groups, size_t count, struct buf *out)
{
	Otlp__InstrumentationScope scope = OTLP__INSTRUMENTATION_SCOPE__INIT;
	Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
	size_t spans = 0, put = 0;

	for (size_t i = 0; i < count; i++)
		spans += groups[i].count;
	_cleanup_free_ ProtobufCBinaryData *bytes = calloc(spans + 1, sizeof(*bytes));
	_cleanup_free_ struct pieces *pieces = calloc(count + 1, sizeof(*pieces));
	Otlp__ResourceSpans *ptrs[RESOURCES_MAX];
	if (!bytes || !pieces || count > RESOURCES_MAX) {
		out->error = count > RESOURCES_MAX ? -E2BIG : -ENOMEM;
		return;
	}
	scope.name = text(SCOPE_NAME);
	scope.version = text(BUNSCOPE_VERSION);
	for (size_t i = 0; i < count; i++) {
		put_group(&groups[i], &scope, bytes + put, &pieces[i]);
		put += groups[i].count;
		ptrs[i] = &pieces[i].group;
	}
	request.n_resource_spans = count;
	request.resource_spans = ptrs;
	pack(&request.base, out);
}
