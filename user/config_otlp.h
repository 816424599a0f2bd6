/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How spans are exported: off unless there is an endpoint. */
#include <stdbool.h>

#include "span/sample.h"

#define CONFIG_QUEUE_MAX 65536u /* most spans that --otlp.queue-size allows: about 50 MiB */

enum otlp_protocol { OTLP_PROTOBUF, OTLP_JSON };
enum otlp_compression { OTLP_GZIP, OTLP_PLAIN };
enum otlp_switch { OTLP_ON, OTLP_OFF };

/* Strings are owned; NULL = not given. */
struct config_otlp {
	char *endpoint;	       /* base: /v1/traces goes behind it */
	char *traces_endpoint; /* whole */
	enum otlp_protocol protocol;
	enum otlp_compression compression;
	char *headers; /* as pairs_read() takes them; secret */
	char *ca_file;
	char *client_cert;
	char *client_key;
	char *service_name;
	char *resource_attributes; /* as pairs_read() takes them */
	enum sampler_kind sampler;
	char *sampler_ratio;
	enum otlp_switch keep; /* failed and slowest ones, whatever the sampler says */
	unsigned timeout_ms;
	unsigned give_up_ms;
	unsigned delay_ms;
	unsigned queue_max;
	unsigned batch_max;
};

static inline bool config_otlp_on(const struct config_otlp *otlp)
{
	return otlp->endpoint || otlp->traces_endpoint;
}

void config_otlp_free(struct config_otlp *otlp);
