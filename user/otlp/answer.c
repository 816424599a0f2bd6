/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "otlp.pb-c.h"
#include "otlp/encode.h"

/* It goes into the log: what a terminal would obey stays out, the log escapes the rest. */
static void keep_message(const char *text, struct otlp_answer *ret)
{
	size_t n = strnlen(text, OTLP_ANSWER_MESSAGE_BYTES);

	for (size_t i = 0; i < n; i++)
		ret->message[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	ret->message[n] = '\0';
}

static uint64_t bound_rejected(int64_t rejected, uint64_t count)
{
	if (rejected <= 0)
		return 0;
	return (uint64_t)rejected < count ? (uint64_t)rejected : count;
}

static int read_protobuf(const void *bytes, size_t n, uint64_t count, struct otlp_answer *ret)
{
	Otlp__ExportTraceServiceResponse *answer =
		otlp__export_trace_service_response__unpack(NULL, n, bytes);

	if (!answer)
		return -EBADMSG;
	if (answer->partial_success) {
		ret->rejected = bound_rejected(answer->partial_success->rejected_spans, count);
		keep_message(answer->partial_success->error_message, ret);
	}
	otlp__export_trace_service_response__free_unpacked(answer, NULL);
	return 0;
}

/* A 64-bit number of proto3's JSON: text, or a number all the same. */
static int64_t read_number(const json_t *value)
{
	return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
				     : json_integer_value(value);
}

static int read_json(const void *bytes, size_t n, uint64_t count, struct otlp_answer *ret)
{
	json_t *answer = json_loadb(bytes, n, 0, NULL);
	const json_t *partial = json_object_get(answer, "partialSuccess");
	const char *message = json_string_value(json_object_get(partial, "errorMessage"));
	int r = json_is_object(answer) ? 0 : -EBADMSG;

	ret->rejected =
		bound_rejected(read_number(json_object_get(partial, "rejectedSpans")), count);
	keep_message(message ? message : "", ret);
	json_decref(answer);
	return r;
}

int otlp_answer_read(const void *bytes, size_t n, bool json, uint64_t count,
		     struct otlp_answer *ret)
{
	*ret = (struct otlp_answer){};
	/* Some collectors send nothing where the message would be empty. */
	if (n == 0)
		return 0;
	return json ? read_json(bytes, n, count, ret) : read_protobuf(bytes, n, count, ret);
}
