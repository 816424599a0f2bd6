/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf messages as JSON, by their descriptors: proto3's mapping, with OTLP's own rule that ids are hexadecimal
 * and enums are numbers. What has its default value is left out.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "otlp.pb-c.h"
#include "otlp/encode.h"

#define NAME_BYTES 64
#define HEX_BYTES (2 * TRACE_ID_BYTES + 1)

static json_t *json_of(const ProtobufCMessage *message);

/* start_time_unix_nano: startTimeUnixNano */
static void camel_case(const char *name, char ret[NAME_BYTES])
{
	size_t n = 0;

	for (; *name && n < NAME_BYTES - 1; name++) {
		bool upper = *name == '_' && name[1] >= 'a' && name[1] <= 'z';

		if (upper)
			name++;
		ret[n++] = upper ? (char)(*name - 'a' + 'A') : *name;
	}
	ret[n] = '\0';
}

static json_t *json_of_id(const ProtobufCBinaryData *id)
{
	char hex[HEX_BYTES];

	if (id->len > TRACE_ID_BYTES)
		return NULL;
	id_hex(id->data, id->len, hex);
	return json_string(hex);
}

/* JSON's numbers do not hold 64 bits. */
static json_t *json_of_64(ProtobufCType type, const void *value)
{
	char digits[24];

	if (type == PROTOBUF_C_TYPE_INT64)
		(void)snprintf(digits, sizeof(digits), "%lld", *(const long long *)value);
	else
		(void)snprintf(digits, sizeof(digits), "%llu", *(const unsigned long long *)value);
	return json_string(digits);
}

/* The types that otlp.proto has. */
static json_t *json_of_value(ProtobufCType type, const void *value)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
		return json_string(*(const char *const *)value);
	case PROTOBUF_C_TYPE_BYTES:
		return json_of_id(value);
	case PROTOBUF_C_TYPE_MESSAGE:
		return json_of(*(const ProtobufCMessage *const *)value);
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_real(*(const double *)value);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return json_of_64(type, value);
	default:
		return json_integer(*(const int32_t *)value);
	}
}

static bool is_default(ProtobufCType type, const void *value)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
		return **(const char *const *)value == '\0';
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)value)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(const void *const *)value == NULL;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return *(const uint64_t *)value == 0;
	default:
		return *(const uint32_t *)value == 0;
	}
}

/* All that repeat are messages. */
static json_t *json_of_messages(const ProtobufCMessage *const *messages, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, json_of(messages[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* ret: NULL when the field is not there. */
static int json_of_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
			 json_t **ret)
{
	const char *base = (const char *)message;
	const void *value = base + field->offset;
	const void *quantifier = base + field->quantifier_offset;

	*ret = NULL;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count = *(const size_t *)quantifier;

		if (count == 0)
			return 0;
		*ret = json_of_messages(*(const ProtobufCMessage *const *const *)value, count);
	} else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*(const uint32_t *)quantifier != field->id)
			return 0;
		*ret = json_of_value(field->type, value);
	} else if (is_default(field->type, value)) {
		return 0;
	} else {
		*ret = json_of_value(field->type, value);
	}
	return *ret ? 0 : -ENOMEM;
}

static json_t *json_of(const ProtobufCMessage *message)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		char name[NAME_BYTES];
		json_t *value;

		int r = json_of_field(message, field, &value);
		camel_case(field->name, name);
		if (r == 0 && value)
			r = json_object_set_new(object, name, value);
		if (r < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* NULL when it is no such message, or without memory. */
static json_t *json_of_bytes(const ProtobufCMessageDescriptor *type, const void *bytes, size_t n)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, n, bytes);

	if (!message)
		return NULL;
	json_t *json = json_of(message);
	protobuf_c_message_free_unpacked(message, NULL);
	return json;
}

static json_t *json_of_spans(const struct otlp_bytes *spans, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *span = json_of_bytes(&otlp__span__descriptor, spans[i].data, spans[i].n);

		if (json_array_append_new(array, span) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* json_pack() takes over what it is given, and gives NULL when any of it is NULL. */
static json_t *json_of_group(const struct otlp_group *group)
{
	const struct buf *resource = group->resource;
	json_t *origin = json_of_bytes(&otlp__resource__descriptor, resource->data, resource->len);
	json_t *scope = json_pack("{s:s, s:s}", "name", "bunscope", "version", BUNSCOPE_VERSION);
	json_t *scope_spans = json_pack("{s:o, s:o}", "scope", scope, "spans",
					json_of_spans(group->spans, group->count));

	return json_pack("{s:o, s:[o]}", "resource", origin, "scopeSpans", scope_spans);
}

static json_t *json_of_batch(const struct otlp_group *groups, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		if (json_array_append_new(array, json_of_group(&groups[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return json_pack("{s:o}", "resourceSpans", array);
}

void otlp_encode_batch_json(const struct otlp_group *groups, size_t count, struct buf *out)
{
	json_t *json = json_of_batch(groups, count);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (text)
		buf_append_cstr(out, text);
	else if (!out->error)
		out->error = -EBADMSG;
	free(text);
	json_decref(json);
}
