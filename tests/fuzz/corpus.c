/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for libFuzzer where the corpus runs as a plain test: feeds every file of some folders to
 * the target, each in memory of exactly its size, so that the sanitizer sees the first byte beyond.
 * A missing folder is an empty one; without any input the test fails.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define INPUT_BYTES_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static int feed(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	_cleanup_free_ uint8_t *room = malloc(INPUT_BYTES_MAX);

	if (!file || !room)
		return -errno;
	size_t n = fread(room, 1, INPUT_BYTES_MAX, file);
	_cleanup_free_ uint8_t *exact = malloc(n ? n : 1);
	if (!exact)
		return -ENOMEM;
	memcpy(exact, room, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	return 0;
}

static int feed_folder(const char *folder, int *ret_n)
{
	char path[4096];
	int n = 0, r = 0;

	DIR *dir = opendir(folder);
	if (!dir && errno != ENOENT)
		return -errno;
	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && r == 0;
	     entry = readdir(dir)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		r = feed(path);
		n++;
	}
	if (dir)
		closedir(dir);
	*ret_n = n;
	return r;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
		return 2;
	}
	int total = 0;

	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		int n = 0, r = feed_folder(argv[i], &n);
		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			return 1;
		}
		printf("%s: %d inputs\n", argv[i], n);
		total += n;
	}
	if (!total)
		fprintf(stderr, "%s: no inputs\n", argv[0]);
	return total ? 0 : 1;
}
