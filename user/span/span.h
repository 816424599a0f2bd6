/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A finished span as plain data, whatever it is exported as. Holds its strings; keys and names are static.
 * Times are the kernel's (CLOCK_MONOTONIC nanoseconds); epoch_ns, once for each record, makes them Unix
 * time, so that a step of the wall clock never reorders what is in a trace. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "span/trace_context.h"

#define SPAN_ATTRIBUTES_MAX 32
/* The polls of the longest synchronous execution, 300 s, are 66; OpenTelemetry's own limit is 128. */
#define SPAN_EVENTS_MAX 96
#define SPAN_EVENT_ATTRIBUTES_MAX 2
#define SPAN_OWNER_MAX 5
#define SPAN_TEXT_BYTES 3072 /* of all strings together */
#define SPAN_VALUE_INVALID "_invalid"

/* Numbers are OTLP's. */
enum span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2 };
enum span_status { SPAN_STATUS_UNSET = 0, SPAN_STATUS_ERROR = 2 };

enum attribute_type { ATTRIBUTE_STRING, ATTRIBUTE_STRINGS, ATTRIBUTE_INT, ATTRIBUTE_DOUBLE };

struct attribute {
	const char *key;
	enum attribute_type type;
	uint16_t text_at; /* strings: in the span's text, each with its NUL */
	uint16_t strings; /* how many */
	union {
		int64_t number;
		double real;
	};
};

struct span_event {
	const char *name;
	uint64_t ns;
	size_t attributes_count;
	struct attribute attributes[SPAN_EVENT_ATTRIBUTES_MAX];
};

struct span {
	const char *name;
	struct trace_id trace;
	struct span_id id;
	struct span_id parent; /* all zero = a root */
	enum span_kind kind;
	bool sampled; /* the trace's flag, as its sampler decided */
	enum span_status status;
	const char *status_message; /* static; "" = none */
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t epoch_ns; /* Unix time when the kernel's clock was 0 */
	uint16_t state_at; /* tracestate in text; "" = none */
	uint16_t text_used;
	unsigned dropped_attributes; /* for which there was no room */
	unsigned dropped_events;
	size_t attributes_count;
	size_t events_count;
	size_t owner_count;
	struct attribute owner[SPAN_OWNER_MAX]; /* strings: the container and pod that it is of */
	struct attribute attributes[SPAN_ATTRIBUTES_MAX];
	struct span_event events[SPAN_EVENTS_MAX];
	char text[SPAN_TEXT_BYTES];
};

/* Empties it: no ids, no attributes. */
void span_begin(struct span *span, const char *name, uint64_t start_ns, uint64_t end_ns);
void span_set_state(struct span *span, const char *tracestate);

/* What is "" is not known, and not there. */
void span_add_owner(struct span *span, const char *key, const char *value);

/* What is not UTF-8 becomes SPAN_VALUE_INVALID. */
void span_add_string(struct span *span, const char *key, const char *value);
/* UTF-8 already. count strings, each with its NUL, one behind the other. */
void span_add_strings(struct span *span, const char *key, const char *strings, size_t count);
void span_add_int(struct span *span, const char *key, uint64_t value);
void span_add_double(struct span *span, const char *key, double value);
void span_add_seconds(struct span *span, const char *key, uint64_t ns);

/*
 * At its place among the events by time; at most SPAN_EVENTS_MAX. A time of 0 says that it did not happen.
 * Returned for span_event_…(), until the next one is added; NULL when there is none.
 */
struct span_event *span_add_event(struct span *span, const char *name, uint64_t ns);
void span_event_int(struct span_event *event, const char *key, uint64_t value);
void span_event_string(struct span *span, struct span_event *event, const char *key,
		       const char *value);

/* An attribute of the span by its key; NULL = it has none. */
const struct attribute *span_find(const struct span *span, const char *key);
/* A string attribute's text. */
static inline const char *span_text(const struct span *span, const struct attribute *attribute)
{
	return span->text + attribute->text_at;
}
