/* SPDX-License-Identifier: Apache-2.0 */
#include "web/web_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "web/tls_words.h"
#include "yaml/yaml_tree.h"

#define HEADER_BYTES_MAX 512

/* What is known on the way down. */
struct reader {
	struct web_config *config;
	const char *path;
	struct tls_words words;
	struct buf *message;
};

struct key {
	const char *name;
	int (*read)(struct reader *reader, const struct yaml_node *node);
};

static int refuse(struct reader *reader, const struct yaml_node *node, const char *format,
		  const char *what)
{
	buf_printf(reader->message, "%s:%u: %s: ", reader->path, node->line,
		   node->key ? node->key : "");
	buf_printf(reader->message, format, what);
	return -EINVAL;
}

static int keys_read(struct reader *reader, const struct yaml_node *node, const struct key *keys,
		     size_t count)
{
	int r = 0;

	if (node->kind == YAML_SCALAR && node->is_null)
		return 0;
	if (node->kind != YAML_MAPPING)
		return refuse(reader, node, "%s", "not a mapping of keys");
	for (size_t i = 0; i < node->count && r == 0; i++) {
		const struct yaml_node *child = &node->children[i];
		const struct key *key = keys;

		while (key < keys + count && strcmp(key->name, child->key) != 0)
			key++;
		r = key < keys + count ? key->read(reader, child)
				       : refuse(reader, child, "%s", "unknown key");
	}
	return r;
}

/* ---- values ---- */

static int text_read(struct reader *reader, const struct yaml_node *node, char **ret)
{
	if (node->kind != YAML_SCALAR)
		return refuse(reader, node, "%s", "takes one value");
	if (node->is_null)
		return 0;
	char *copy = strdup(node->text);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

/* A relative path starts at the configuration file's folder. */
static int path_read(struct reader *reader, const struct yaml_node *node, char **ret)
{
	const char *slash = strrchr(reader->path, '/');
	_cleanup_free_ char *name = NULL;
	int r = text_read(reader, node, &name);

	if (r < 0 || !name || !*name)
		return r;
	_cleanup_buf_ struct buf path = {};
	if (*name != '/' && slash)
		buf_append(&path, reader->path, (size_t)(slash - reader->path) + 1);
	buf_append_cstr(&path, name);
	free(*ret);
	*ret = strdup(buf_cstr(&path));
	return *ret ? 0 : -ENOMEM;
}

static int bool_check(struct reader *reader, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR &&
	    (node->is_null || strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0))
		return 0;
	return refuse(reader, node, "%s", "not true or false");
}

/* Calls item() for each text of a list. */
static int list_read(struct reader *reader, const struct yaml_node *node,
		     int (*item)(struct reader *reader, const struct yaml_node *list,
				 const char *text))
{
	int r = 0;

	if (node->kind == YAML_SCALAR && node->is_null)
		return 0;
	if (node->kind != YAML_SEQUENCE)
		return refuse(reader, node, "%s", "not a list");
	for (size_t i = 0; i < node->count && r == 0; i++) {
		if (node->children[i].kind != YAML_SCALAR)
			return refuse(reader, node, "%s", "not a list of words");
		r = item(reader, node, node->children[i].text);
	}
	return r;
}

/* ---- tls_server_config ---- */

#define TEXT_KEY(name, how)                                                                        \
	static int name##_read(struct reader *reader, const struct yaml_node *node)                \
	{                                                                                          \
		return how(reader, node, &reader->config->name);                                   \
	}

TEXT_KEY(cert, text_read)
TEXT_KEY(key, text_read)
TEXT_KEY(client_ca, text_read)
TEXT_KEY(cert_path, path_read)
TEXT_KEY(key_path, path_read)
TEXT_KEY(client_ca_path, path_read)

static int client_auth_read(struct reader *reader, const struct yaml_node *node)
{
	static const struct {
		const char *name;
		enum web_client_auth auth;
	} policies[] = {
		{"", WEB_CLIENT_NONE},
		{"NoClientCert", WEB_CLIENT_NONE},
		{"RequestClientCert", WEB_CLIENT_REQUEST},
		{"RequireAnyClientCert", WEB_CLIENT_ANY},
		{"RequireClientCert", WEB_CLIENT_ANY},
		{"VerifyClientCertIfGiven", WEB_CLIENT_IF_GIVEN},
		{"RequireAndVerifyClientCert", WEB_CLIENT_REQUIRED},
	};

	for (size_t i = 0; node->kind == YAML_SCALAR && i < ARRAY_SIZE(policies); i++) {
		if (strcmp(node->text, policies[i].name) != 0)
			continue;
		reader->config->client_auth = policies[i].auth;
		return 0;
	}
	return refuse(reader, node, "%s",
		      "not NoClientCert, RequestClientCert, RequireAnyClientCert, "
		      "VerifyClientCertIfGiven or RequireAndVerifyClientCert");
}

static int san_add(struct reader *reader, const struct yaml_node *list, const char *text)
{
	struct web_config *config = reader->config;

	if (config->san_count == WEB_SANS_MAX)
		return refuse(reader, list, "%s", "too many names");
	config->sans[config->san_count] = strdup(text);
	return config->sans[config->san_count++] ? 0 : -ENOMEM;
}

static int sans_read(struct reader *reader, const struct yaml_node *node)
{
	return list_read(reader, node, san_add);
}

static int suite_add(struct reader *reader, const struct yaml_node *list, const char *text)
{
	if (tls_words_suite(&reader->words, text) == 0)
		return 0;
	return refuse(reader, list, "'%s' is unknown or too weak", text);
}

static int suites_read(struct reader *reader, const struct yaml_node *node)
{
	return list_read(reader, node, suite_add);
}

static int curve_add(struct reader *reader, const struct yaml_node *list, const char *text)
{
	if (tls_words_curve(&reader->words, text) == 0)
		return 0;
	return refuse(reader, list, "'%s' is not CurveP256, CurveP384, CurveP521 or X25519", text);
}

static int curves_read(struct reader *reader, const struct yaml_node *node)
{
	return list_read(reader, node, curve_add);
}

static int version_read(struct reader *reader, const struct yaml_node *node,
			enum tls_version *version)
{
	if (node->kind != YAML_SCALAR)
		return refuse(reader, node, "%s", "takes one value");
	if (node->is_null)
		return 0;
	if (tls_words_version(node->text, version) == 0)
		return 0;
	return refuse(reader, node, "'%s' is not TLS12 or TLS13; older ones are not served",
		      node->text);
}

static int min_version_read(struct reader *reader, const struct yaml_node *node)
{
	return version_read(reader, node, &reader->words.min);
}

static int max_version_read(struct reader *reader, const struct yaml_node *node)
{
	return version_read(reader, node, &reader->words.max);
}

static const struct key tls_keys[] = {
	{"cert_file", cert_path_read},
	{"key_file", key_path_read},
	{"client_ca_file", client_ca_path_read},
	{"cert", cert_read},
	{"key", key_read},
	{"client_ca", client_ca_read},
	{"client_auth_type", client_auth_read},
	{"client_allowed_sans", sans_read},
	{"min_version", min_version_read},
	{"max_version", max_version_read},
	{"cipher_suites", suites_read},
	{"curve_preferences", curves_read},
	{"prefer_server_cipher_suites", bool_check}, /* the server's order stands */
};

/* What the keys say together. */
static int tls_check(struct reader *reader, const struct yaml_node *node)
{
	const struct web_config *config = reader->config;
	bool verifies = config->client_auth >= WEB_CLIENT_IF_GIVEN;
	bool has_ca = config->client_ca || config->client_ca_path;

	if (!config->cert == !config->cert_path)
		return refuse(reader, node, "%s", "needs one of cert_file and cert");
	if (!config->key == !config->key_path)
		return refuse(reader, node, "%s", "needs one of key_file and key");
	if (config->client_ca && config->client_ca_path)
		return refuse(reader, node, "%s", "only one of client_ca_file and client_ca");
	if (has_ca && config->client_auth == WEB_CLIENT_NONE)
		return refuse(reader, node, "%s", "client_ca_file without a client_auth_type");
	if (verifies && !has_ca)
		return refuse(reader, node, "%s", "this client_auth_type needs a client_ca_file");
	if (config->san_count && config->client_auth != WEB_CLIENT_REQUIRED)
		return refuse(reader, node, "%s",
			      "client_allowed_sans needs RequireAndVerifyClientCert");
	if (reader->words.min > reader->words.max)
		return refuse(reader, node, "%s", "min_version is above max_version");
	return 0;
}

static int tls_read(struct reader *reader, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR && node->is_null)
		return 0;

	int r = keys_read(reader, node, tls_keys, ARRAY_SIZE(tls_keys));
	/* As exporters do: a section with nothing in it asks for nothing. */
	if (r < 0 || node->count == 0)
		return r;
	r = tls_check(reader, node);
	if (r < 0)
		return r;
	reader->config->has_tls = true;
	return tls_words_priorities(&reader->words, &reader->config->priorities);
}

/* ---- http_server_config ---- */

/* Of the toolkit's headers each has its own list of values; what cannot break a response may pass here. */
static int header_read(struct reader *reader, const struct yaml_node *node)
{
	struct web_config *config = reader->config;
	struct web_header *header = &config->headers[config->header_count];

	int r = text_read(reader, node, &header->value);
	if (r < 0 || !header->value)
		return r;
	config->header_count++;
	for (const char *c = header->value; *c; c++) {
		if (*c < ' ' || *c > '~')
			return refuse(reader, node, "%s", "not printable ASCII");
	}
	if (strlen(header->value) > HEADER_BYTES_MAX)
		return refuse(reader, node, "%s", "too long");
	header->name = strdup(node->key);
	return header->name ? 0 : -ENOMEM;
}

static const struct key header_keys[] = {
	{"Strict-Transport-Security", header_read}, {"X-Content-Type-Options", header_read},
	{"X-Frame-Options", header_read},	    {"X-XSS-Protection", header_read},
	{"Content-Security-Policy", header_read},
};

_Static_assert(ARRAY_SIZE(header_keys) <= WEB_HEADERS_MAX, "each at most once");

static int headers_read(struct reader *reader, const struct yaml_node *node)
{
	return keys_read(reader, node, header_keys, ARRAY_SIZE(header_keys));
}

static const struct key http_keys[] = {
	{"headers", headers_read}, {"http2", bool_check}, /* never spoken: nothing to switch off */
};

static int http_read(struct reader *reader, const struct yaml_node *node)
{
	return keys_read(reader, node, http_keys, ARRAY_SIZE(http_keys));
}

/* ---- basic_auth_users ---- */

#define BCRYPT_ALPHABET "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define BCRYPT_BYTES 60 /* $2y$10$, 22 of salt, 31 of hash */

/* 0; -EINVAL: not bcrypt; -ERANGE: too expensive. */
static int hash_check(const char *hash)
{
	if (strlen(hash) != BCRYPT_BYTES || hash[0] != '$' || hash[1] != '2' ||
	    !strchr("aby", hash[2]) || hash[3] != '$' || hash[6] != '$')
		return -EINVAL;
	if (strspn(hash + 7, BCRYPT_ALPHABET) != BCRYPT_BYTES - 7 ||
	    strspn(hash + 4, "0123456789") != 2)
		return -EINVAL;
	unsigned cost = (unsigned)(hash[4] - '0') * 10 + (unsigned)(hash[5] - '0');
	if (cost < 4)
		return -EINVAL;
	return cost > WEB_BCRYPT_COST_MAX ? -ERANGE : 0;
}

static int user_read(struct reader *reader, const struct yaml_node *node)
{
	struct web_config *config = reader->config;
	struct web_user *user = &config->users[config->user_count];

	if (config->user_count == WEB_USERS_MAX)
		return refuse(reader, node, "%s", "too many users");
	if (strchr(node->key, ':'))
		return refuse(reader, node, "%s", "a user's name has no colon");
	if (node->kind != YAML_SCALAR)
		return refuse(reader, node, "%s", "takes one value");
	switch (hash_check(node->text)) {
	case -EINVAL: /* the hash is not repeated: it is a secret, too */
		return refuse(reader, node, "%s", "not a bcrypt hash");
	case -ERANGE:
		return refuse(reader, node, "%s", "a cost above 12 would hold up the agent");
	default:
		break;
	}
	config->user_count++;
	user->name = strdup(node->key);
	user->hash = strdup(node->text);
	return user->name && user->hash ? 0 : -ENOMEM;
}

static int users_read(struct reader *reader, const struct yaml_node *node)
{
	int r = 0;

	if (node->kind == YAML_SCALAR && node->is_null)
		return 0;
	if (node->kind != YAML_MAPPING)
		return refuse(reader, node, "%s", "not a mapping of names to hashes");
	for (size_t i = 0; i < node->count && r == 0; i++)
		r = user_read(reader, &node->children[i]);
	return r;
}

/* ---- the whole ---- */

static const struct key root_keys[] = {
	{"tls_server_config", tls_read},
	{"http_server_config", http_read},
	{"basic_auth_users", users_read},
};

static int root_read(struct reader *reader, const struct yaml_node *root)
{
	if (root->kind != YAML_MAPPING) {
		buf_printf(reader->message, "%s:%u: not a mapping of keys", reader->path,
			   root->line);
		return -EINVAL;
	}
	return keys_read(reader, root, root_keys, ARRAY_SIZE(root_keys));
}

int web_config_parse(const char *path, const char *text, size_t n, struct web_config **ret,
		     struct buf *message)
{
	_cleanup_web_config_ struct web_config *config = calloc(1, sizeof(*config));
	_cleanup_yaml_ struct yaml_node *root = NULL;
	_cleanup_buf_ struct buf error = {};
	struct reader reader = {
		.config = config, .path = path, .words = TLS_WORDS_DEFAULT, .message = message};

	if (!config)
		return -ENOMEM;
	int r = yaml_tree_parse(text, n, &root, &error);
	if (r == -EINVAL)
		buf_printf(message, "%s:%s", path, buf_cstr(&error));
	if (r == 0)
		r = root_read(&reader, root);
	if (r < 0)
		return r;
	*ret = take_ptr(config);
	return 0;
}

/* As free(), but a secret does not stay in memory. */
static void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void web_config_free(struct web_config **config)
{
	if (!*config)
		return;
	free((*config)->cert_path);
	free((*config)->key_path);
	free((*config)->client_ca_path);
	free((*config)->cert);
	secret_free((*config)->key);
	free((*config)->client_ca);
	free((*config)->priorities);
	for (size_t i = 0; i < WEB_SANS_MAX; i++)
		free((*config)->sans[i]);
	for (size_t i = 0; i < WEB_HEADERS_MAX; i++) {
		free((*config)->headers[i].name);
		free((*config)->headers[i].value);
	}
	for (size_t i = 0; i < WEB_USERS_MAX; i++) {
		free((*config)->users[i].name);
		secret_free((*config)->users[i].hash);
	}
	free(*config);
	*config = NULL;
}
