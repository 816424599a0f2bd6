/* SPDX-License-Identifier: Apache-2.0 */
#include "run/detail.h"

#include <string.h>

#include "base/escape.h"
#include "run/text.h"
#include "run/version.h"

/* Bun itself takes these and, so far, restricts nothing by them. */
static bool is_permission(const char *arg)
{
	return strncmp(arg, "--allow-", 8) == 0 || strncmp(arg, "--deny-", 7) == 0;
}

static void read_permissions(const struct run *run, struct run_detail *ret)
{
	const char *at = (const char *)run->args, *end = at + run->args_bytes;
	size_t used = 0;

	while (at < end && ret->permissions_count < PERMISSIONS_MAX) {
		size_t n = strnlen(at, (size_t)(end - at));

		if (at + n == end) /* cut off */
			return;
		if (is_permission(at) && utf8_valid(at, n) && used + n + 1 <= PERMISSIONS_BYTES) {
			memcpy(ret->permissions + used, at, n + 1);
			used += n + 1;
			ret->permissions_count++;
		}
		at += n + 1;
	}
}

static uint64_t signal_ns(const struct run *run)
{
	unsigned number = run->exit_code & 0x7f;

	if (!number)
		return 0;
	if (run->kill.number == number)
		return run->kill.ns;
	return run->other.number == number ? run->other.ns : 0;
}

void run_detail_read(const struct run *run, struct run_detail *ret)
{
	const struct stream *in = &run->stdio[STDIO_IN], *out = &run->stdio[STDIO_OUT];

	memset(ret, 0, sizeof(*ret));
	ret->exec_ns = run->flags & RUN_ADOPTED ? 0 : run->exec_ns;
	ret->first_read_ns = in->self.first_ns;
	ret->first_byte_ns = out->self.first_ns ?: out->peer.first_ns;
	ret->signal_ns = signal_ns(run);
	ret->exit_ns = run->exit_ns;
	ret->eof_ns = stream_eof_ns(out);
	ret->major_faults = run->major_faults;
	read_permissions(run, ret);
}

/* ---- versions ---- */

static bool is_version_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '-' || c == '+';
}

/* "1.4.5\n" and nothing else. 0: it is none. */
static size_t version_bytes(const struct text *text)
{
	const char *p = (const char *)text_head(text);
	size_t n = 0;

	while (n < text->head_bytes && is_version_char(p[n]))
		n++;
	if (n > BUN_VERSION_BYTES ||
	    text_skip_space((const uint8_t *)p + n, text->head_bytes - n) != text->head_bytes - n)
		return 0;
	return n;
}

static struct bun_version *find(const struct bun_versions *versions, const struct run *run)
{
	for (size_t i = 0; i < BUN_VERSIONS_MAX; i++) {
		const struct bun_version *slot = &versions->slots[i];

		if (slot->text[0] && slot->cgroup_id == run->cgroup_id &&
		    strcmp(slot->exe, run->exe) == 0)
			return (struct bun_version *)slot;
	}
	return NULL;
}

void bun_versions_learn(struct bun_versions *versions, const struct run *run)
{
	struct bun_version *slot = find(versions, run);
	struct text text;

	if (!version_is(run) || run->exit_code != 0)
		return;
	text_of_reply(run, false, &text);
	size_t n = version_bytes(&text);
	if (n == 0)
		return;
	if (!slot)
		slot = &versions->slots[versions->next++ % BUN_VERSIONS_MAX];
	slot->cgroup_id = run->cgroup_id;
	memcpy(slot->exe, run->exe, sizeof(slot->exe));
	memset(slot->text, 0, sizeof(slot->text));
	memcpy(slot->text, text_head(&text), n);
}

void bun_versions_find(const struct bun_versions *versions, const struct run *run,
		       char ret[BUN_VERSION_BYTES + 1])
{
	const struct bun_version *slot = find(versions, run);

	ret[0] = '\0';
	if (slot)
		memcpy(ret, slot->text, sizeof(slot->text));
}
