/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/cgroup.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

#define STATIC_POD_UID_BYTES 32 /* of a pod given as a file: a hash without dashes */

/* What runtimes write in front of the id; podman and Docker through their own or containerd's names. */
static const char *const runtimes[] = {"cri-containerd-", "crio-", "docker-", "libpod-",
				       "nerdctl-"};

/* A piece of a name. */
struct piece {
	const char *at;
	size_t n;
};

static bool cut_prefix(struct piece *piece, const char *prefix)
{
	size_t n = strlen(prefix);

	if (piece->n < n || memcmp(piece->at, prefix, n) != 0)
		return false;
	piece->at += n;
	piece->n -= n;
	return true;
}

static bool cut_suffix(struct piece *piece, const char *suffix)
{
	size_t n = strlen(suffix);

	if (piece->n < n || memcmp(piece->at + piece->n - n, suffix, n) != 0)
		return false;
	piece->n -= n;
	return true;
}

static bool is_hex(const struct piece *piece)
{
	for (size_t i = 0; i < piece->n; i++) {
		char c = piece->at[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
	}
	return true;
}

static bool read_container(struct piece name, char ret[CONTAINER_ID_BYTES + 1])
{
	(void)cut_suffix(&name, ".scope");
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		if (cut_prefix(&name, runtimes[i]))
			break;
	}
	if (name.n != CONTAINER_ID_BYTES || !is_hex(&name))
		return false;
	memcpy(ret, name.at, name.n);
	ret[name.n] = '\0';
	return true;
}

/* A UUID, with dashes in its four places, or with what systemd has in their stead. */
static bool is_uuid(const char uid[POD_UID_BYTES], char dash)
{
	for (size_t i = 0; i < POD_UID_BYTES; i++) {
		struct piece digit = {uid + i, 1};
		bool wants_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (wants_dash ? uid[i] != dash : !is_hex(&digit))
			return false;
	}
	return true;
}

static bool read_uid(struct piece uid, char ret[POD_UID_BYTES + 1])
{
	bool is_static = uid.n == STATIC_POD_UID_BYTES && is_hex(&uid);

	if (!is_static &&
	    (uid.n != POD_UID_BYTES || !(is_uuid(uid.at, '-') || is_uuid(uid.at, '_'))))
		return false;
	for (size_t i = 0; i < uid.n; i++)
		ret[i] = uid.at[i] == '_' ? '-' : uid.at[i];
	ret[uid.n] = '\0';
	return true;
}

/* `pod` and the uid behind it end the name; in front of them stand the slices that it is in. */
static bool read_pod(struct piece name, char ret[POD_UID_BYTES + 1])
{
	static const size_t lengths[] = {POD_UID_BYTES, STATIC_POD_UID_BYTES};

	(void)cut_suffix(&name, ".slice");
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		size_t n = lengths[i] < name.n ? lengths[i] : name.n;
		struct piece before = {name.at, name.n - n};
		struct piece uid = {name.at + before.n, n};

		if (!cut_suffix(&before, "pod"))
			continue;
		if (before.n && before.at[before.n - 1] != '-')
			continue;
		if (read_uid(uid, ret))
			return true;
	}
	return false;
}

static void path_identify(const struct cgroup_path *path, struct identity *ret)
{
	for (size_t i = 0; i < CGROUP_LEVELS; i++) {
		const char *name = path->names[i];
		struct piece piece = {name, strnlen(name, CGROUP_NAME_BYTES)};

		if (!*ret->container_id && read_container(piece, ret->container_id))
			continue;
		if (read_pod(piece, ret->pod_uid))
			return;
	}
}

void cgroup_identify(const struct cgroup_names *names, struct identity *ret)
{
	struct identity v1 = {};

	*ret = (struct identity){};
	path_identify(&names->v2, ret);
	if (*ret->container_id)
		return;
	path_identify(&names->v1, &v1);
	if (*v1.container_id || !*ret->pod_uid)
		*ret = v1;
}
