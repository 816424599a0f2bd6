/* SPDX-License-Identifier: Apache-2.0 */
#include "span/span.h"

#include <string.h>

#include "base/escape.h"

#define SECONDS_PER_NS 1e-9

void span_begin(struct span *span, const char *name, uint64_t start_ns, uint64_t end_ns)
{
	/* Not the arrays: what is behind their counts is never read. */
	memset(span, 0, offsetof(struct span, owner));
	span->name = name;
	span->kind = SPAN_INTERNAL;
	span->status_message = "";
	span->start_ns = start_ns;
	span->end_ns = end_ns;
	span->text[0] = '\0';
	span->text_used = 1; /* what stands at 0 is "" */
}

/* Copies n bytes. 0 when there is no room: what stands there is "". */
static uint16_t add_text(struct span *span, const char *text, size_t n)
{
	uint16_t at = span->text_used;

	if (n > (size_t)SPAN_TEXT_BYTES - at)
		return 0;
	memcpy(span->text + at, text, n);
	span->text_used = (uint16_t)(at + n);
	return at;
}

void span_set_state(struct span *span, const char *tracestate)
{
	if (*tracestate)
		span->state_at = add_text(span, tracestate, strlen(tracestate) + 1);
}

void span_add_owner(struct span *span, const char *key, const char *value)
{
	uint16_t at = *value ? add_text(span, value, strlen(value) + 1) : 0;

	if (at && span->owner_count < SPAN_OWNER_MAX)
		span->owner[span->owner_count++] = (struct attribute){
			.key = key, .type = ATTRIBUTE_STRING, .text_at = at, .strings = 1};
}

static struct attribute *add_attribute(struct span *span, const char *key, enum attribute_type type)
{
	struct attribute *attribute = &span->attributes[span->attributes_count];

	if (span->attributes_count == SPAN_ATTRIBUTES_MAX) {
		span->dropped_attributes++;
		return NULL;
	}
	span->attributes_count++;
	*attribute = (struct attribute){.key = key, .type = type};
	return attribute;
}

static void add_texts(struct span *span, const char *key, enum attribute_type type,
		      const char *strings, size_t count)
{
	const char *end = strings;

	for (size_t i = 0; i < count; i++)
		end += strlen(end) + 1;
	uint16_t at = add_text(span, strings, (size_t)(end - strings));
	if (!at && count) {
		span->dropped_attributes++;
		return;
	}
	struct attribute *attribute = add_attribute(span, key, type);
	if (!attribute)
		return;
	attribute->text_at = at;
	attribute->strings = (uint16_t)count;
}

void span_add_string(struct span *span, const char *key, const char *value)
{
	/* A collector refuses a whole batch for one string that is not UTF-8. */
	if (!utf8_valid(value, strlen(value)))
		value = SPAN_VALUE_INVALID;
	add_texts(span, key, ATTRIBUTE_STRING, value, 1);
}

void span_add_strings(struct span *span, const char *key, const char *strings, size_t count)
{
	add_texts(span, key, ATTRIBUTE_STRINGS, strings, count);
}

void span_add_int(struct span *span, const char *key, uint64_t value)
{
	struct attribute *attribute = add_attribute(span, key, ATTRIBUTE_INT);

	if (attribute)
		attribute->number = value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

void span_add_double(struct span *span, const char *key, double value)
{
	struct attribute *attribute = add_attribute(span, key, ATTRIBUTE_DOUBLE);

	if (attribute)
		attribute->real = value;
}

void span_add_seconds(struct span *span, const char *key, uint64_t ns)
{
	span_add_double(span, key, (double)ns * SECONDS_PER_NS);
}

struct span_event *span_add_event(struct span *span, const char *name, uint64_t ns)
{
	size_t at = span->events_count;

	if (!ns)
		return NULL;
	if (at == SPAN_EVENTS_MAX) {
		span->dropped_events++;
		return NULL;
	}
	for (; at > 0 && span->events[at - 1].ns > ns; at--)
		span->events[at] = span->events[at - 1];
	span->events_count++;
	span->events[at] = (struct span_event){.name = name, .ns = ns};
	return &span->events[at];
}

static struct attribute *add_event_attribute(struct span_event *event, const char *key,
					     enum attribute_type type)
{
	if (!event || event->attributes_count == SPAN_EVENT_ATTRIBUTES_MAX)
		return NULL;

	struct attribute *attribute = &event->attributes[event->attributes_count++];
	*attribute = (struct attribute){.key = key, .type = type};
	return attribute;
}

void span_event_int(struct span_event *event, const char *key, uint64_t value)
{
	struct attribute *attribute = add_event_attribute(event, key, ATTRIBUTE_INT);

	if (attribute)
		attribute->number = (int64_t)value;
}

void span_event_string(struct span *span, struct span_event *event, const char *key,
		       const char *value)
{
	struct attribute *attribute = add_event_attribute(event, key, ATTRIBUTE_STRING);

	if (attribute) {
		attribute->text_at = add_text(span, value, strlen(value) + 1);
		attribute->strings = 1;
	}
}

const struct attribute *span_find(const struct span *span, const char *key)
{
	for (size_t i = 0; i < span->attributes_count; i++) {
		if (strcmp(span->attributes[i].key, key) == 0)
			return &span->attributes[i];
	}
	return NULL;
}
