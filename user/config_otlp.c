/* SPDX-License-Identifier: Apache-2.0 */
#include "config_otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config_flags.h"
#include "http/http.h"
#include "otlp/pairs.h"

#define NUMBER_DIGITS_MAX 9 /* of a duration: no product of it overflows */

static int replace(struct config *config, const struct flag *flag, const char *value)
{
	char **place = (char **)((char *)config + flag->offset);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*place);
	*place = copy;
	return 0;
}

int flag_set_text(struct config *config, const struct flag *flag, const char *value,
		  struct buf *error)
{
	if (*value == '\0') {
		buf_append_cstr(error, "is empty");
		return -EINVAL;
	}
	return replace(config, flag, value);
}

/* The value may hold a password: it is not repeated. */
int flag_set_url(struct config *config, const struct flag *flag, const char *value,
		 struct buf *error)
{
	if (!http_url_valid(value)) {
		buf_append_cstr(error, "is not an http:// or https:// URL with a host");
		return -EINVAL;
	}
	return replace(config, flag, value);
}

/* The same, and headers are secret more often than not. */
int flag_set_pairs(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error)
{
	_cleanup_free_ struct pairs *pairs = malloc(sizeof(*pairs));

	if (!pairs)
		return -ENOMEM;
	if (!pairs_read(value, pairs)) {
		buf_printf(error,
			   "is not KEY=VALUE,KEY=VALUE with values percent-encoded, %d at most",
			   PAIRS_MAX);
		return -EINVAL;
	}
	return replace(config, flag, value);
}

int flag_set_ratio(struct config *config, const struct flag *flag, const char *value,
		   struct buf *error)
{
	char *end;
	double ratio = strtod(value, &end);

	if (strchr("0123456789.", *value) == NULL || *end || !(ratio >= 0 && ratio <= 1)) {
		buf_printf(error, "'%s' is not a number from 0 to 1", value);
		return -EINVAL;
	}
	return replace(config, flag, value);
}

static const struct {
	const char *name;
	unsigned ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};

int flag_set_duration(struct config *config, const struct flag *flag, const char *value,
		      struct buf *error)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long number = strtoul(value, NULL, 10);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(value + digits, units[i].name) != 0)
			continue;
		if (digits == 0 || digits > NUMBER_DIGITS_MAX || number == 0 ||
		    number > flag->max / units[i].ms)
			break;
		*(unsigned *)((char *)config + flag->offset) = (unsigned)number * units[i].ms;
		return 0;
	}
	buf_printf(error, "'%s' is not a time like 500ms, 10s or 2m, at most %us", value,
		   flag->max / 1000);
	return -EINVAL;
}

void config_otlp_free(struct config_otlp *otlp)
{
	free(otlp->endpoint);
	free(otlp->traces_endpoint);
	free(otlp->headers);
	free(otlp->ca_file);
	free(otlp->client_cert);
	free(otlp->client_key);
	free(otlp->service_name);
	free(otlp->resource_attributes);
	free(otlp->sampler_ratio);
}
