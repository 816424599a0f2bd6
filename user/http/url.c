/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which URLs can be asked for. Not libcurl's to say: a configuration is read where nothing is ever asked, and again
 * when the sandbox lets no library in any more. What is let through and libcurl will not have fails when it is asked.
 */
#include <string.h>
#include <strings.h>

#include "http/http.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME DIGITS LETTERS "-._~"     /* of a host, beside what is not ASCII */
#define ADDRESS DIGITS LETTERS ":.%-_" /* IPv6, with its zone */
#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535

/* None is one, too: RFC 3986 3.2.3. */
static bool is_port(const char *text, size_t n)
{
	unsigned port = 0;

	if (n > PORT_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!strchr(DIGITS, text[i]))
			return false;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	return port <= PORT_MAX;
}

static size_t name_span(const char *text)
{
	size_t n = 0;

	while (text[n] && ((text[n] & 0x80) || strchr(NAME, text[n])))
		n++;
	return n;
}

/* How much of the text is a host: 0 when it begins with none. */
static size_t host_span(const char *text)
{
	if (*text != '[')
		return name_span(text);
	size_t n = 1 + strspn(text + 1, ADDRESS);

	return n > 1 && text[n] == ']' ? n + 1 : 0;
}

static const char *skip_scheme(const char *url)
{
	if (strncasecmp(url, "http://", strlen("http://")) == 0)
		return url + strlen("http://");
	if (strncasecmp(url, "https://", strlen("https://")) == 0)
		return url + strlen("https://");
	return NULL;
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	}
	return true;
}

bool http_url_valid(const char *url)
{
	const char *host = skip_scheme(url);

	if (!host || !is_printable(url))
		return false;
	size_t n = strcspn(host, "/?#");
	const char *end = host + n, *at = memchr(host, '@', n);
	host = at ? at + 1 : host;
	const char *rest = host + host_span(host);
	if (rest == host)
		return false;
	return rest == end || (*rest == ':' && is_port(rest + 1, (size_t)(end - rest - 1)));
}
