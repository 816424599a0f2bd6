/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "web/negotiate.h"

#define TEXT METRIC_FORMAT_TEXT
#define OPENMETRICS METRIC_FORMAT_OPENMETRICS

#define OM1 "application/openmetrics-text;version=1.0.0"
#define OM0 "application/openmetrics-text;version=0.0.1"
#define PROTOBUF                                                                                   \
	"application/"                                                                             \
	"vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
#define UTF8 ";escaping=allow-utf-8"

struct format_row {
	const char *accept;
	enum metric_format format;
};

struct gzip_row {
	const char *accept_encoding;
	bool gzip;
};

static void assert_formats(const struct format_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (negotiate_format(rows[i].accept) != rows[i].format)
			fail_msg("%s", rows[i].accept);
	}
}

static void assert_gzip(const struct gzip_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (negotiate_gzip(rows[i].accept_encoding) != rows[i].gzip)
			fail_msg("%s", rows[i].accept_encoding);
	}
}

/* As sent by the version, in order of age. */
static void prometheus_versions(void **state)
{
	static const struct format_row rows[] = {
		/* 2.0 */
		{PROTOBUF ";q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", TEXT},
		/* 2.42 */
		{OM1 "," OM0 ";q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPENMETRICS},
		/* 2.49 */
		{OM1 ";q=0.5," OM0 ";q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", OPENMETRICS},
		/* 2.49 with native histograms */
		{PROTOBUF ";q=0.5," OM1 ";q=0.4," OM0
			  ";q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 OPENMETRICS},
		/* 3.0 */
		{OM1 UTF8 ";q=0.5," OM0 ";q=0.4,text/plain;version=1.0.0" UTF8
			  ";q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 OPENMETRICS},
		/* 3.3 */
		{OM1 UTF8 ";q=0.6," OM0 UTF8 ";q=0.5,text/plain;version=1.0.0" UTF8
			  ";q=0.4,text/plain;version=0.0.4" UTF8 ";q=0.3,*/*;q=0.2",
		 OPENMETRICS},
		/* 3 with another escaping scheme, and native histograms */
		{PROTOBUF ";escaping=underscores;q=0.6," OM1 ";escaping=underscores;q=0.5," OM0
			  ";q=0.4,text/plain;version=1.0.0;escaping=underscores;q=0.3,"
			  "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
		 OPENMETRICS},
		/* 3 with scrape_protocols of one or two */
		{"text/plain;version=0.0.4;q=0.2,*/*;q=0.1", TEXT},
		{"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.2,*/*;q=0.1", TEXT},
		{"text/plain;version=0.0.4;q=0.6," OM1 UTF8 ";q=0.5,*/*;q=0.4", TEXT},
		{OM0 ";q=0.2,*/*;q=0.1", TEXT},
		{PROTOBUF ";q=0.2,*/*;q=0.1", TEXT},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void other_clients(void **state)
{
	static const struct format_row rows[] = {
		{NULL, TEXT},
		{"", TEXT},
		{"*/*", TEXT}, /* curl */
		/* Firefox, Chrome */
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,"
		 "image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
		 TEXT},
		/* VictoriaMetrics' vmagent, Telegraf, the OpenTelemetry collector's older receiver
		 */
		{"text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT},
		{"application/openmetrics-text;q=0.9,text/plain;version=0.0.4;q=0.5", OPENMETRICS},
		{"application/json", TEXT},
		{"application/openmetrics-text", OPENMETRICS},
		{"application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS},
		{"application/openmetrics-text; version=2.0.0", TEXT},
		{"application/openmetrics-text, */*", OPENMETRICS},
		{"text/plain, application/openmetrics-text", TEXT},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void the_most_specific_range_decides(void **state)
{
	static const struct format_row rows[] = {
		{"application/*", OPENMETRICS},
		{"text/*, application/*;q=0.9", TEXT},
		{"text/*;q=0.3, application/*;q=0.4", OPENMETRICS},
		{"*/*, text/plain;q=0.1", OPENMETRICS},
		{"*/*, application/openmetrics-text;q=0.1", TEXT},
		{OM1 ";q=0.1, application/openmetrics-text;q=0.9, text/plain;q=0.5", TEXT},
		{"application/*;q=0.9, application/openmetrics-text;q=0, text/plain;q=0.1", TEXT},
		{OM1 ";q=0.2, " OM1 ";q=0.7, text/plain;q=0.5", OPENMETRICS},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void blanks_case_and_quotes_do_not_matter(void **state)
{
	static const struct format_row rows[] = {
		{" Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.9 ,\ttext/plain;q=0.8",
		 OPENMETRICS},
		{"application/openmetrics-text;note=\"a,b;q=0\\\";q=0\";q=1, text/plain;q=0.5",
		 OPENMETRICS},
		{"application/openmetrics-text;version = 1.0.0;q = 1, text/plain;q=0.9",
		 OPENMETRICS},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void qualities(void **state)
{
	static const struct format_row rows[] = {
		{OM1 ";q=0.501,text/plain;q=0.5", OPENMETRICS},
		{OM1 ";q=0.5,text/plain;q=0.500", TEXT},
		{OM1 ";q=1.000,text/plain;q=0.999", OPENMETRICS},
		{OM1 ";q=1.,text/plain;q=0.", OPENMETRICS},
		{OM1 ";q=0", TEXT},
		{OM1 ";q=0.000,text/plain;q=0", TEXT},
		/* no quality at all: such an element is skipped */
		{OM1 ";q=1.001", TEXT},
		{OM1 ";q=2", TEXT},
		{OM1 ";q=-1", TEXT},
		{OM1 ";q=", TEXT},
		{OM1 ";q", TEXT},
		{OM1 ";q=0.1234", TEXT},
		{OM1 ";q=1e0", TEXT},
		{OM1 ";q=nan", TEXT},
		{OM1 ";q=.9", TEXT},
		{OM1 ";q=0,5", TEXT},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void hostile_headers_are_text(void **state)
{
	static const struct format_row rows[] = {
		{",", TEXT},
		{",,,,;;;;====", TEXT},
		{"\"", TEXT},
		{"\"\\", TEXT},
		{"\"application/openmetrics-text", TEXT},
		{"\"" OM1 "\"", TEXT},
		{";q=1", TEXT},
		{"/", TEXT},
		{"*", TEXT},
		{"application/openmetrics-text*", TEXT},
		{"application/openmetrics-textt", TEXT},
		{"application/openmetrics-tex", TEXT},
		{"\xff\xfe, \x80;q=1", TEXT},
	};

	(void)state;
	assert_formats(rows, ARRAY_SIZE(rows));
}

static void codings(void **state)
{
	static const struct gzip_row rows[] = {
		{NULL, false},
		{"", false},
		{"gzip", true},			   /* Prometheus, Go */
		{"deflate, gzip, br, zstd", true}, /* curl --compressed */
		{"gzip, deflate, br", true},	   /* browsers */
		{"identity", false},		   /* Python's http.client */
		{"GZIP;q=0.5", true},
		{"x-gzip", true},
		{"gzip;q=0", false},
		{"gzip; q=0.000, *", false},
		{"*;q=0", false},
		{"*", false},
		{"*, identity;q=0", true},
		{"*;q=0.5, identity;q=0.1", true},
		{"gzip, identity", true},
		{"gzip;q=0.5, identity", false},
		{"identity;q=0.5, gzip;q=0.8, *;q=0", true},
		{"br, deflate", false},
		{"gzip;q=x", false},
		{"gzipped", false},
		{"xgzip,gzi", false},
		{"\"gzip\"", false},
		{",;=", false},
	};

	(void)state;
	assert_gzip(rows, ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prometheus_versions),
		cmocka_unit_test(other_clients),
		cmocka_unit_test(the_most_specific_range_decides),
		cmocka_unit_test(blanks_case_and_quotes_do_not_matter),
		cmocka_unit_test(qualities),
		cmocka_unit_test(hostile_headers_are_text),
		cmocka_unit_test(codings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
