/* SPDX-License-Identifier: Apache-2.0 */
#include "top.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config.h"
#include "http/http.h"
#include "loop.h"
#include "top/rows.h"
#include "top/screen.h"

#define TICK_MS 500 /* how soon a change of the terminal's size is seen */
#define ASK_TICKS 4 /* of these, one asks the agent */
#define TIMEOUT_MS 5000u
#define ANSWER_BYTES_MAX (64u << 20) /* 1,000 busy tools: 3 MB */
#define KEY_BYTES 32

#define SCREEN_ENTER "\033[?1049h\033[?25l" /* a screen of our own, no cursor */
#define SCREEN_LEAVE "\033[?25h\033[?1049l"
#define SCREEN_BEGIN "\033[H" /* over what is there: nothing flickers */
#define SCREEN_END "\033[J"
#define LINE_END "\033[K\r\n"

struct top {
	struct loop *loop;
	struct http *http;
	struct buf url;
	bool live; /* in a terminal */
	bool has_rows;
	bool asking;
	unsigned ticks;
	int status; /* of the only answer, where it is not live */
	struct top_rows rows;
	struct top_screen screen;
	struct buf trouble;
	struct termios before;
	struct buf text;
	struct buf lines;
};

/* ---- drawing ---- */

static void put(const struct buf *out)
{
	(void)fwrite(out->data, 1, out->len, stdout);
	(void)fflush(stdout);
}

static void size_ask(struct top_screen *screen)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		screen->width = size.ws_col;
		screen->height = size.ws_row;
	}
}

/* In raw mode a line's end is two characters; the last one has none, or the terminal would scroll. */
static void draw(struct top *top)
{
	const char *line;

	size_ask(&top->screen);
	top->screen.trouble = top->trouble.len ? buf_cstr(&top->trouble) : NULL;
	buf_clear(&top->text);
	buf_clear(&top->lines);
	top_screen_write(&top->screen, &top->rows, &top->text);
	buf_append_cstr(&top->lines, SCREEN_BEGIN);
	line = buf_cstr(&top->text);
	for (const char *end; (end = strchr(line, '\n')); line = end + 1) {
		buf_append(&top->lines, line, (size_t)(end - line));
		buf_append_cstr(&top->lines, end[1] ? LINE_END : "");
	}
	buf_append_cstr(&top->lines, SCREEN_END);
	put(&top->lines);
}

/* ---- asking ---- */

static void complain(struct top *top, const struct http_response *response)
{
	buf_clear(&top->trouble);
	if (response->error)
		buf_printf(&top->trouble, "no answer: %s",
			   *response->message ? response->message : strerror(-response->error));
	else if (response->status == 401)
		buf_append_cstr(&top->trouble,
				"a password is wanted: give the URL with USER:PASSWORD@");
	else if (response->status != 200)
		buf_printf(&top->trouble, "answers with status %u", response->status);
	else
		buf_append_cstr(&top->trouble, "what answers there is no agent");
}

static void take_answer(struct top *top, const struct http_response *response)
{
	_cleanup_top_rows_ struct top_rows rows = {};

	if (response->error || response->status != 200 ||
	    top_rows_read(response->body, response->body_bytes, &rows) < 0) {
		complain(top, response);
		return;
	}
	top_rows_free(&top->rows);
	top->rows = rows;
	rows = (struct top_rows){};
	top->has_rows = true;
	buf_clear(&top->trouble);
}

static void on_answer(void *arg, const struct http_response *response)
{
	struct top *top = arg;

	top->asking = false;
	take_answer(top, response);
	if (top->live)
		draw(top);
	else
		loop_stop(top->loop);
}

static int ask(struct top *top)
{
	const struct http_request request = {
		.method = "GET",
		.url = buf_cstr(&top->url),
		.timeout_ms = TIMEOUT_MS,
		.answer_bytes_max = ANSWER_BYTES_MAX,
		.done = on_answer,
		.arg = top,
	};
	int r = http_start(top->http, &request);

	top->asking = r == 0;
	return r;
}

static void on_http(void *arg)
{
	http_run(((struct top *)arg)->http);
}

static void on_tick(void *arg)
{
	struct top *top = arg;

	if (++top->ticks % ASK_TICKS == 0 && !top->asking)
		(void)ask(top);
	else
		draw(top);
}

/* ---- keys ---- */

static void scroll(struct top_screen *screen, long by)
{
	long first = (long)screen->first + by;

	screen->first = first > 0 ? (size_t)first : 0;
}

static void sort_by(struct top_screen *screen, int step)
{
	screen->sort = (enum top_column)(((int)screen->sort + step + TOP_COLUMNS) % TOP_COLUMNS);
	screen->first = 0;
}

static void on_key(struct top *top, char key)
{
	struct top_screen *screen = &top->screen;
	long page = screen->height > 4 ? (long)screen->height - 4 : 1;

	switch (key) {
	case 'q':
	case '\003': /* Ctrl-C: raw mode makes no signal of it */
		loop_stop(top->loop);
		break;
	case 'C':
		sort_by(screen, 1);
		break;
	case 'D':
		sort_by(screen, -1);
		break;
	case 'r':
		screen->reversed = !screen->reversed;
		break;
	case 'A':
		scroll(screen, -1);
		break;
	case 'B':
		scroll(screen, 1);
		break;
	case '5':
		scroll(screen, -page);
		break;
	case '6':
		scroll(screen, page);
		break;
	default:
		break;
	}
}

/* Arrows are ESC [ or O and a letter, pages ESC [ digit ~. */
static void on_input(void *arg)
{
	struct top *top = arg;
	char keys[KEY_BYTES];
	ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

	if (n <= 0) {
		loop_stop(top->loop);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		bool escaped = keys[i] == '\033' && i + 2 < n;

		if (escaped)
			on_key(top, keys[i += 2]);
		else if (strchr("qr\003", keys[i]))
			on_key(top, keys[i]);
	}
	draw(top);
}

/* ---- start and end ---- */

static void make_url(const struct config *config, struct buf *url)
{
	const char *host = *config->listen_host ? config->listen_host : "127.0.0.1";
	bool is_v6 = strchr(host, ':') != NULL;

	if (config->file)
		buf_append_cstr(url, config->file);
	else
		buf_printf(url, "http://%s%s%s:%s", is_v6 ? "[" : "", host, is_v6 ? "]" : "",
			   config->listen_port);
	while (url->len && url->data[url->len - 1] == '/')
		url->len--;
	buf_append_cstr(url, "/api/live");
}

/* Without what a URL may carry of a password. */
static const char *agent_name(const struct top *top, struct buf *name)
{
	const char *host = strstr(top->url.data, "://"), *at;

	host = host ? host + 3 : top->url.data;
	at = strchr(host, '@');
	host = at ? at + 1 : host;
	buf_append(name, host, strcspn(host, "/"));
	return buf_cstr(name);
}

static int terminal_enter(struct top *top)
{
	struct termios raw;
	int r = 0;

	if (tcgetattr(STDIN_FILENO, &top->before) < 0)
		return -errno;
	raw = top->before;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return -errno;
	(void)fputs(SCREEN_ENTER, stdout);
	r = loop_add(top->loop, STDIN_FILENO, on_input, top);
	return r == 0 ? loop_tick(top->loop, TICK_MS, on_tick, top) : r;
}

static void terminal_leave(struct top *top)
{
	(void)fputs(SCREEN_LEAVE, stdout);
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

static int start(struct top *top)
{
	int r = loop_new(&top->loop);

	if (r == 0)
		r = http_new(&top->http);
	if (r == 0)
		r = loop_add(top->loop, http_fd(top->http), on_http, top);
	if (r == 0)
		r = ask(top);
	return r;
}

static int run_live(struct top *top)
{
	int r = terminal_enter(top);

	if (r == 0)
		r = loop_run(top->loop);
	terminal_leave(top);
	return r;
}

static int run_once(struct top *top)
{
	int r = loop_run(top->loop);

	if (r == 0 && top->has_rows) {
		top_screen_write(&top->screen, &top->rows, &top->text);
		put(&top->text);
	}
	return r;
}

static int finish(struct top *top, int r)
{
	if (r < 0)
		log_error("cannot ask %s: %s", top->screen.agent, http_strerror(r));
	else if (!top->has_rows && top->trouble.len) {
		log_error("%s: %s; is an agent running there? see bunscope top --help",
			  top->screen.agent, buf_cstr(&top->trouble));
		r = -EIO;
	}
	http_free(&top->http);
	loop_free(&top->loop);
	top_rows_free(&top->rows);
	buf_free(&top->url);
	buf_free(&top->trouble);
	buf_free(&top->text);
	buf_free(&top->lines);
	return r;
}

int top_run(const struct config *config)
{
	_cleanup_buf_ struct buf name = {};
	struct top top = {
		.live = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO),
		.screen = {.sort = TOP_RUNS},
	};

	make_url(config, &top.url);
	top.screen.agent = agent_name(&top, &name);
	int r = start(&top);
	if (r == 0)
		r = top.live ? run_live(&top) : run_once(&top);
	return finish(&top, r);
}
