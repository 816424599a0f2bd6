/* SPDX-License-Identifier: Apache-2.0 */
#include "web/negotiate.h"

#include <string.h>
#include <strings.h>

#define QUALITY_MAX 1000 /* q=1, in thousandths: RFC 9110 allows three digits */

struct span {
	const char *at;
	size_t n;
};

/* One element of a list header. */
struct element {
	struct span name;
	struct span version; /* empty = not given */
	int quality;
};

/* How closely an element means a thing that we can send. */
enum closeness {
	CLOSENESS_NONE,
	CLOSENESS_ANY,	 /* a wildcard */
	CLOSENESS_MAJOR, /* a wildcard of its major type */
	CLOSENESS_NAME,
	CLOSENESS_VERSION,
};

/* How much it is wanted: the closest element decides. */
struct preference {
	enum closeness closeness;
	int quality;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span span_trim(struct span span)
{
	while (span.n && is_blank(span.at[0])) {
		span.at++;
		span.n--;
	}
	while (span.n && is_blank(span.at[span.n - 1]))
		span.n--;
	return span;
}

static struct span span_unquote(struct span span)
{
	if (span.n >= 2 && span.at[0] == '"' && span.at[span.n - 1] == '"')
		return (struct span){span.at + 1, span.n - 2};
	return span;
}

static bool span_equals(struct span span, const char *text)
{
	return span.n == strlen(text) && strncasecmp(span.at, text, span.n) == 0;
}

/* Takes what stands before the next separator outside quotes from the front of rest. */
static struct span span_cut(struct span *rest, char separator)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < rest->n && (quoted || rest->at[i] != separator); i++) {
		if (rest->at[i] == '"')
			quoted = !quoted;
		else if (quoted && rest->at[i] == '\\' && i + 1 < rest->n)
			i++;
	}

	struct span part = {rest->at, i};
	size_t used = i < rest->n ? i + 1 : i;
	rest->at += used;
	rest->n -= used;
	return span_trim(part);
}

/* Thousandths; -1 when it is no quality. */
static int quality_parse(struct span text)
{
	int quality = 0;
	int unit = QUALITY_MAX;

	if (text.n == 0 || text.n > strlen("0.000") || (text.n > 1 && text.at[1] != '.'))
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		if (i == 1)
			continue;
		if (text.at[i] < '0' || text.at[i] > '9')
			return -1;
		quality += (text.at[i] - '0') * unit;
		unit /= 10;
	}
	return quality <= QUALITY_MAX ? quality : -1;
}

static struct element element_parse(struct span text)
{
	struct element element = {.name = span_cut(&text, ';'), .quality = QUALITY_MAX};

	while (text.n) {
		struct span value = span_cut(&text, ';');
		struct span name = span_cut(&value, '=');

		value = span_unquote(span_trim(value));
		if (span_equals(name, "q"))
			element.quality = quality_parse(value);
		else if (span_equals(name, "version"))
			element.version = value;
	}
	return element;
}

static void preference_update(struct preference *preference, enum closeness closeness, int quality)
{
	if (closeness == CLOSENESS_NONE || quality < 0 || closeness < preference->closeness)
		return;
	if (closeness > preference->closeness || quality > preference->quality)
		*preference = (struct preference){closeness, quality};
}

static enum closeness media_closeness(const struct element *element, const char *type,
				      const char *any_minor, const char *version)
{
	if (span_equals(element->name, type)) {
		if (element->version.n == 0)
			return CLOSENESS_NAME;
		return span_equals(element->version, version) ? CLOSENESS_VERSION : CLOSENESS_NONE;
	}
	if (span_equals(element->name, any_minor))
		return CLOSENESS_MAJOR;
	return span_equals(element->name, "*/*") ? CLOSENESS_ANY : CLOSENESS_NONE;
}

enum metric_format negotiate_format(const char *accept)
{
	struct span rest = {accept, accept ? strlen(accept) : 0};
	struct preference text = {};
	struct preference open = {};

	while (rest.n) {
		struct element element = element_parse(span_cut(&rest, ','));

		preference_update(&text, media_closeness(&element, "text/plain", "text/*", "0.0.4"),
				  element.quality);
		preference_update(&open,
				  media_closeness(&element, "application/openmetrics-text",
						  "application/*", "1.0.0"),
				  element.quality);
	}
	/* Of equals the text, unless it merely falls under a wildcard beside the other's name. */
	bool open_wins_tie = open.closeness >= CLOSENESS_NAME && text.closeness < CLOSENESS_NAME;
	if (open.quality > text.quality ||
	    (open.quality == text.quality && open.quality && open_wins_tie))
		return METRIC_FORMAT_OPENMETRICS;
	return METRIC_FORMAT_TEXT;
}

static enum closeness coding_closeness(const struct element *element, const char *coding,
				       const char *alias)
{
	if (span_equals(element->name, coding) || span_equals(element->name, alias))
		return CLOSENESS_NAME;
	return span_equals(element->name, "*") ? CLOSENESS_ANY : CLOSENESS_NONE;
}

bool negotiate_gzip(const char *accept_encoding)
{
	struct span rest = {accept_encoding, accept_encoding ? strlen(accept_encoding) : 0};
	struct preference gzip = {};
	struct preference identity = {};

	while (rest.n) {
		struct element element = element_parse(span_cut(&rest, ','));

		preference_update(&gzip, coding_closeness(&element, "gzip", "x-gzip"),
				  element.quality);
		preference_update(&identity, coding_closeness(&element, "identity", "identity"),
				  element.quality);
	}
	/* A mere "*" takes what is there; a client that names gzip has a reason. */
	if (gzip.closeness < CLOSENESS_NAME)
		return gzip.quality > identity.quality;
	return gzip.quality && gzip.quality >= identity.quality;
}
