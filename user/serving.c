/* SPDX-License-Identifier: Apache-2.0 */
#include "serving.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config.h"
#include "loop.h"

static void on_web(void *arg)
{
	web_run(arg);
}

static int web_timeout(void *arg)
{
	return web_timeout_ms(arg);
}

static int listen_failed(const struct config *config, struct buf *message, int r)
{
	if (message->len)
		log_error("%s", buf_cstr(message));
	else
		log_error("cannot listen on %s: %s; choose another with --web.listen-address",
			  config->listen_address, strerror(-r));
	return r;
}

int serving_start(const struct config *config, const struct web_handlers *handlers,
		  struct loop *loop, struct web **ret_web)
{
	const struct web_options options = {
		.host = config->listen_host,
		.port = config->listen_port,
		.config_file = config->web_config_file,
	};
	_cleanup_buf_ struct buf message = {};
	_cleanup_web_ struct web *web = NULL;
	int r = web_start(&options, handlers, &web, &message);

	if (r < 0)
		return listen_failed(config, &message, r);
	r = loop_add(loop, web_epoll_fd(web), on_web, web);
	if (r < 0) {
		log_error("cannot serve: %s", strerror(-r));
		return r;
	}
	loop_deadline(loop, web_timeout, on_web, web);
	*ret_web = take_ptr(web);
	return 0;
}
