/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/pods.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"

/* What the API server's copy of a pod that was given as a file says of it. */
#define FILE_HASH "kubernetes.io/config.hash"

#define ITEMS "items"
#define LIST_DEPTH 2 /* within the array of pods */

/* ---- one pod ---- */

/* False, and "", where it is no text or longer than its room. */
static bool copy_text(const json_t *value, char *ret, size_t room)
{
	const char *text = json_string_value(value);
	size_t n = text ? strlen(text) : room;

	*ret = '\0';
	if (n >= room)
		return false;
	memcpy(ret, text, n + 1);
	return true;
}

/* "containerd://ID" */
static bool copy_id(const json_t *value, char ret[CONTAINER_ID_BYTES + 1])
{
	const char *text = json_string_value(value);
	const char *id = text ? strstr(text, "://") : NULL;

	if (!id || strlen(id + 3) != CONTAINER_ID_BYTES)
		return false;
	memcpy(ret, id + 3, CONTAINER_ID_BYTES + 1);
	return true;
}

static void add_container(struct pod *pod, const json_t *id, const json_t *name)
{
	struct pod_container container;

	if (pod->containers_count < POD_CONTAINERS_MAX && copy_id(id, container.id) &&
	    copy_text(name, container.name, sizeof(container.name)))
		pod->containers[pod->containers_count++] = container;
}

static void read_containers(const json_t *statuses, struct pod *pod)
{
	for (size_t i = 0; i < json_array_size(statuses); i++) {
		const json_t *status = json_array_get(statuses, i);
		const json_t *name = json_object_get(status, "name");
		const json_t *before =
			json_object_get(json_object_get(status, "lastState"), "terminated");

		add_container(pod, json_object_get(status, "containerID"), name);
		add_container(pod, json_object_get(before, "containerID"), name);
	}
}

/* False without an id and a name. */
static bool read_pod(const json_t *item, struct pod *ret)
{
	const json_t *metadata = json_object_get(item, "metadata");
	const json_t *status = json_object_get(item, "status");
	const json_t *annotations = json_object_get(metadata, "annotations");

	ret->containers_count = 0;
	(void)copy_text(json_object_get(annotations, FILE_HASH), ret->file_uid,
			sizeof(ret->file_uid));
	read_containers(json_object_get(status, "containerStatuses"), ret);
	read_containers(json_object_get(status, "initContainerStatuses"), ret);
	read_containers(json_object_get(status, "ephemeralContainerStatuses"), ret);
	return copy_text(json_object_get(metadata, "uid"), ret->uid, sizeof(ret->uid)) &&
	       copy_text(json_object_get(metadata, "namespace"), ret->namespace,
			 sizeof(ret->namespace)) &&
	       copy_text(json_object_get(metadata, "name"), ret->name, sizeof(ret->name));
}

/* ---- the list: only brackets, texts and the members' keys are told apart ---- */

static int item_end(struct pods_reader *reader)
{
	bool skipped = reader->skips;

	reader->in_item = reader->skips = false;
	if (skipped)
		return 0;
	if (buf_error(&reader->item) < 0)
		return buf_error(&reader->item);
	json_t *item = json_loadb(reader->item.data, reader->item.len, 0, NULL);
	struct pod pod;
	if (!item)
		return -EBADMSG;
	if (read_pod(item, &pod))
		reader->pod(reader->arg, &pod);
	json_decref(item);
	return 0;
}

static int open_bracket(struct pods_reader *reader, char c)
{
	if (reader->ended || (reader->depth == 0 && c != '{') || reader->depth == PODS_DEPTH_MAX)
		return -EBADMSG;
	if (reader->in_items && reader->depth == LIST_DEPTH && c == '{') {
		reader->in_item = true;
		buf_clear(&reader->item);
	}
	reader->depth++;
	if (reader->depth == LIST_DEPTH && c == '[' && reader->behind_items)
		reader->in_items = true;
	return 0;
}

static int close_bracket(struct pods_reader *reader)
{
	if (reader->depth == 0)
		return -EBADMSG;
	reader->depth--;
	if (reader->depth < LIST_DEPTH)
		reader->in_items = false;
	reader->ended = reader->depth == 0;
	return 0;
}

static void read_text(struct pods_reader *reader, char c)
{
	bool ends = c == '"' && !reader->escaped;

	reader->escaped = c == '\\' && !reader->escaped;
	reader->in_string = !ends;
	if (ends || reader->depth != 1)
		return;
	if (reader->key_bytes < PODS_KEY_BYTES)
		reader->key[reader->key_bytes] = c;
	reader->key_bytes++;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Between two members of the list itself. */
static void read_separator(struct pods_reader *reader, char c)
{
	if (reader->depth != 1)
		return;
	reader->behind_items = c == ':' && reader->key_bytes == strlen(ITEMS) &&
			       !memcmp(reader->key, ITEMS, strlen(ITEMS));
	reader->has_items |= reader->behind_items;
}

static int read_char(struct pods_reader *reader, char c)
{
	if (reader->in_string) {
		read_text(reader, c);
		return 0;
	}
	switch (c) {
	case '{':
	case '[':
		return open_bracket(reader, c);
	case '}':
	case ']':
		return close_bracket(reader);
	case '"':
		reader->in_string = true;
		if (reader->depth == 1)
			reader->key_bytes = 0;
		break;
	case ':':
	case ',':
		read_separator(reader, c);
		break;
	default:
		break;
	}
	return reader->depth == 0 && !is_blank(c) ? -EBADMSG : 0;
}

static void keep_char(struct pods_reader *reader, char c)
{
	if (reader->skips)
		return;
	buf_append_char(&reader->item, c);
	reader->skips = reader->item.len > POD_BYTES_MAX;
}

int pods_read(struct pods_reader *reader, const char *bytes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = read_char(reader, bytes[i]);
		if (r < 0 || !reader->in_item)
			continue;
		keep_char(reader, bytes[i]);
		if (reader->depth == LIST_DEPTH)
			r = item_end(reader);
	}
	return r;
}

void pods_begin(struct pods_reader *reader, void (*pod)(void *arg, const struct pod *pod),
		void *arg)
{
	struct buf item = reader->item;

	*reader = (struct pods_reader){.pod = pod, .arg = arg, .item = item};
}

int pods_end(const struct pods_reader *reader)
{
	return reader->ended && reader->has_items ? 0 : -EBADMSG;
}

void pods_free(struct pods_reader *reader)
{
	buf_free(&reader->item);
}
