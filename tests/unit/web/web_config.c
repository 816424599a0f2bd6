/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "web/web_config.h"

#define HASH "$2y$10$qvfKBMyE2PYOrwM0bgwXF.N.6uQmfJ/bNDl0JKSlyoBjnRjoOW0BG"
#define PAIR "tls_server_config: {cert_file: a.pem, key_file: a.key, "

struct refused_row {
	const char *text;
	const char *message;
};

static struct web_config *parse(const char *text)
{
	_cleanup_buf_ struct buf message = {};
	struct web_config *config = NULL;

	if (web_config_parse("/etc/x/web.yml", text, strlen(text), &config, &message) < 0)
		fail_msg("%s", buf_cstr(&message));
	assert_int_equal(message.len, 0);
	return config;
}

static void empty_file_asks_for_nothing(void **state)
{
	_cleanup_web_config_ struct web_config *config = parse("tls_server_config: {}\n");

	(void)state;
	assert_false(config->has_tls);
	assert_int_equal(config->user_count, 0);
	assert_int_equal(config->header_count, 0);
}

static void everything_that_an_exporter_knows(void **state)
{
	_cleanup_web_config_ struct web_config *config =
		parse("tls_server_config:\n"
		      "  cert_file: server.pem\n"
		      "  key_file: /run/key.pem\n"
		      "  client_auth_type: RequireAndVerifyClientCert\n"
		      "  client_ca_file: ca.pem\n"
		      "  client_allowed_sans: [prometheus.test]\n"
		      "  min_version: TLS12\n"
		      "  max_version: TLS13\n"
		      "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]\n"
		      "  prefer_server_cipher_suites: true\n"
		      "  curve_preferences: [X25519]\n"
		      "http_server_config:\n"
		      "  http2: false\n"
		      "  headers: {X-Frame-Options: deny}\n"
		      "basic_auth_users:\n"
		      "  alice: " HASH "\n");

	(void)state;
	assert_true(config->has_tls);
	assert_string_equal(config->cert_path, "/etc/x/server.pem");
	assert_string_equal(config->key_path, "/run/key.pem");
	assert_string_equal(config->client_ca_path, "/etc/x/ca.pem");
	assert_int_equal(config->client_auth, WEB_CLIENT_REQUIRED);
	assert_string_equal(config->sans[0], "prometheus.test");
	assert_int_equal(config->san_count, 1);
	assert_string_equal(config->headers[0].name, "X-Frame-Options");
	assert_string_equal(config->headers[0].value, "deny");
	assert_string_equal(config->users[0].name, "alice");
	assert_string_equal(config->users[0].hash, HASH);
	assert_non_null(strstr(config->priorities, "+AES-256-GCM:+ECDHE-RSA:+GROUP-X25519:"));
	assert_null(strstr(config->priorities, "AES-128"));
}

static void what_is_wrong_is_said_with_file_line_and_key(void **state)
{
	static const struct refused_row rows[] = {
		{"\nnonsense: 1\n", "/etc/x/web.yml:2: nonsense: unknown key"},
		{"[]", "/etc/x/web.yml:1: not a mapping of keys"},
		{"a: {", "/etc/x/web.yml:2: did not find expected node content"},
		{"tls_server_config:\n  key_file: a\n  bad: 1\n",
		 "/etc/x/web.yml:3: bad: unknown key"},
		{"tls_server_config: {key_file: a}\n",
		 "/etc/x/web.yml:1: tls_server_config: needs one of cert_file and cert"},
		{"tls_server_config: {cert_file: a}\n",
		 "/etc/x/web.yml:1: tls_server_config: needs one of key_file and key"},
		{PAIR "min_version: TLS11}",
		 "/etc/x/web.yml:1: min_version: 'TLS11' is not TLS12 or TLS13; older ones are not "
		 "served"},
		{PAIR "min_version: TLS13, max_version: TLS12}",
		 "/etc/x/web.yml:1: tls_server_config: min_version is above max_version"},
		{PAIR "cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}",
		 "/etc/x/web.yml:1: cipher_suites: 'TLS_RSA_WITH_AES_128_CBC_SHA' is unknown or "
		 "too "
		 "weak"},
		{PAIR "curve_preferences: [CurveP224]}",
		 "/etc/x/web.yml:1: curve_preferences: 'CurveP224' is not CurveP256, CurveP384, "
		 "CurveP521 or X25519"},
		{PAIR "client_ca_file: ca}", "/etc/x/web.yml:1: tls_server_config: client_ca_file "
					     "without a client_auth_type"},
		{PAIR "client_auth_type: RequireAndVerifyClientCert}",
		 "/etc/x/web.yml:1: tls_server_config: this client_auth_type needs a "
		 "client_ca_file"},
		{PAIR "client_auth_type: Maybe}",
		 "/etc/x/web.yml:1: client_auth_type: not NoClientCert, RequestClientCert, "
		 "RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"},
		{PAIR "client_allowed_sans: [a]}",
		 "/etc/x/web.yml:1: tls_server_config: client_allowed_sans needs "
		 "RequireAndVerifyClientCert"},
		{"http_server_config:\n  headers:\n    X-Other: 1\n",
		 "/etc/x/web.yml:3: X-Other: unknown key"},
		{"http_server_config: {headers: {X-Frame-Options: \"a\\r\\nb\"}}",
		 "/etc/x/web.yml:1: X-Frame-Options: not printable ASCII"},
		{"basic_auth_users:\n  alice: plain\n",
		 "/etc/x/web.yml:2: alice: not a bcrypt hash"},
		{"basic_auth_users:\n  a:b: " HASH "\n",
		 "/etc/x/web.yml:2: a:b: a user's name has no colon"},
		{"basic_auth_users:\n  alice: "
		 "$2y$13$qvfKBMyE2PYOrwM0bgwXF.N.6uQmfJ/bNDl0JKSlyoBjnRjoOW0BG\n",
		 "/etc/x/web.yml:2: alice: a cost above 12 would hold up the agent"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf message = {};
		_cleanup_web_config_ struct web_config *config = NULL;
		const char *text = rows[i].text;

		assert_int_equal(
			web_config_parse("/etc/x/web.yml", text, strlen(text), &config, &message),
			-EINVAL);
		assert_null(config);
		assert_string_equal(buf_cstr(&message), rows[i].message);
	}
}

/* GnuTLS knows all of our words, and makes nothing of them that is weak. */
static void priorities_are_strong(void **state)
{
	static const char *const texts[] = {
		PAIR "}",
		PAIR "min_version: TLS13}",
		PAIR "max_version: TLS12}",
		PAIR "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]}",
		PAIR "min_version: TLS13, cipher_suites: [TLS_AES_256_GCM_SHA384]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_web_config_ struct web_config *config = parse(texts[i]);
		gnutls_priority_t priorities;
		const unsigned *list;
		unsigned suite;
		int count = 0;

		assert_int_equal(gnutls_priority_init(&priorities, config->priorities, NULL), 0);
		for (unsigned j = 0;
		     gnutls_priority_get_cipher_suite_index(priorities, j, &suite) !=
		     GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
		     j++)
			count++;
		assert_true(count > 0);
		count = gnutls_priority_protocol_list(priorities, &list);
		for (int j = 0; j < count; j++)
			assert_true(list[j] == GNUTLS_TLS1_2 || list[j] == GNUTLS_TLS1_3);
		count = gnutls_priority_mac_list(priorities, &list);
		assert_true(count == 1 && list[0] == GNUTLS_MAC_AEAD);
		gnutls_priority_deinit(priorities);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_file_asks_for_nothing),
		cmocka_unit_test(everything_that_an_exporter_knows),
		cmocka_unit_test(what_is_wrong_is_said_with_file_line_and_key),
		cmocka_unit_test(priorities_are_strong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
