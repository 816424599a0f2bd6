/* SPDX-License-Identifier: Apache-2.0 */
#include "go/pclntab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "go/window.h"

/* internal/abi/symtab.go: Go118PCLnTabMagic, Go120PCLnTabMagic */
#define MAGIC_118 0xfffffff0u
#define MAGIC_120 0xfffffff1u
#define POINTER_BYTES 8
#define TABLE_ALIGNMENT 32
/* A function's name with its package path; longer ones are passed over. */
#define NAME_BYTES_MAX 512
/* Larger tables are hostile: Kubernetes' have 150,000 functions, and 20 MB of names. */
#define FUNCTIONS_MAX (1u << 22)
#define NAMES_BYTES_MAX (256u << 20)

struct header {
	uint32_t magic;
	uint8_t pad[2];
	uint8_t min_instruction_bytes;
	uint8_t pointer_bytes;
	uint64_t functions;
	uint64_t files;
	uint64_t text_start;
	uint64_t name_offset;
	uint64_t unit_offset;
	uint64_t file_offset;
	uint64_t pc_offset;
	uint64_t function_offset;
};

/* An entry of the sorted table; one more than there are functions, whose entry is the end of the last one. */
struct entry {
	uint32_t code;	   /* from the text's start */
	uint32_t function; /* from the table's */
};

/* The begin of struct _func. */
struct function {
	uint32_t code;
	int32_t name;
};

_Static_assert(sizeof(struct header) == 72, "as the linker writes it");

static int check(const struct header *header, const struct elf_section *section)
{
	if (header->magic != MAGIC_118 && header->magic != MAGIC_120)
		return -EPROTONOSUPPORT;
	if (header->pointer_bytes != POINTER_BYTES || header->pad[0] || header->pad[1])
		return -EPROTONOSUPPORT;
	if (header->name_offset > header->unit_offset || header->unit_offset > section->bytes ||
	    header->function_offset > section->bytes)
		return -EBADMSG;
	if (header->functions > FUNCTIONS_MAX ||
	    header->unit_offset - header->name_offset > NAMES_BYTES_MAX)
		return -EBADMSG;
	if (header->functions >= (section->bytes - header->function_offset) / sizeof(struct entry))
		return -EBADMSG;
	return 0;
}

/* The table at the begin of what is given. */
static int open_at(const struct elf_image *image, const struct elf_section *section,
		   struct pclntab *ret)
{
	struct header header;

	if (section->bytes < sizeof(header))
		return -EBADMSG;
	int r = image->source.get(image->source.arg, section->offset, &header, sizeof(header));
	if (r == 0)
		r = check(&header, section);
	if (r < 0)
		return r;
	*ret = (struct pclntab){
		.section = *section,
		.names = section->offset + header.name_offset,
		.names_end = section->offset + header.unit_offset,
		.functions = section->offset + header.function_offset,
		.end = section->offset + section->bytes,
		.count = header.functions,
	};
	return 0;
}

/* C's linker puts it among other data when it makes a position-independent one, up to Go 1.25. */
static int search_table(const struct elf_image *image, struct go_window *window,
			const struct elf_section *section, struct pclntab *ret)
{
	*window = (struct go_window){.source = image->source,
				     .end = section->offset + section->bytes};
	for (uint64_t at = 0; at + sizeof(struct header) <= section->bytes; at += TABLE_ALIGNMENT) {
		const struct elf_section rest = {section->address + at, section->offset + at,
						 section->bytes - at};
		const uint8_t *bytes = window_at(window, rest.offset, sizeof(uint32_t));
		uint32_t magic = 0;

		if (!bytes)
			return -EBADMSG;
		memcpy(&magic, bytes, sizeof(magic));
		if ((magic == MAGIC_118 || magic == MAGIC_120) && open_at(image, &rest, ret) == 0)
			return 0;
	}
	return -ENOENT;
}

int pclntab_open(const struct elf_image *image, struct pclntab *ret)
{
	/* The second: position-independent ones up to Go 1.25. */
	static const char *const names[] = {".gopclntab", ".data.rel.ro.gopclntab"};
	struct elf_section section;
	int r = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(names) && r == -ENOENT; i++)
		r = elf_find_section(image, names[i], &section);
	if (r == 0)
		return open_at(image, &section, ret);
	if (r == -ENOENT)
		r = elf_find_section(image, ".data.rel.ro", &section);
	if (r < 0)
		return r;
	_cleanup_free_ struct go_window *window = malloc(sizeof(*window));
	return window ? search_table(image, window, &section, ret) : -ENOMEM;
}

/* The name's offset in the table of names, -1 when it is not there. */
struct search {
	const char *const *names;
	size_t count;
	int64_t offsets[GO_NAMES_MAX];
};

static void search_compare(struct search *search, const uint8_t *name, size_t n, int64_t offset)
{
	for (size_t i = 0; i < search->count; i++) {
		if (strlen(search->names[i]) == n && memcmp(search->names[i], name, n) == 0)
			search->offsets[i] = offset;
	}
}

static int find_names(struct go_window *window, const struct pclntab *table, struct search *search)
{
	uint64_t at = table->names;

	window->end = table->names_end;
	while (at < table->names_end) {
		size_t room = window_room(window, at);
		size_t n = room < NAME_BYTES_MAX ? room : NAME_BYTES_MAX;
		const uint8_t *name = window_at(window, at, n);
		if (!name)
			return -EBADMSG;
		const uint8_t *end = memchr(name, 0, n);
		if (end) {
			n = (size_t)(end - name);
			search_compare(search, name, n, (int64_t)(at - table->names));
		}
		at += n + (end != NULL);
	}
	return 0;
}

static void add_sample(const struct pclntab *table, uint64_t i, uint32_t code,
		       struct pclntab_found *ret)
{
	uint64_t every = table->count / GO_SAMPLES_MAX + 1;

	if (i % every == 0)
		ret->samples[ret->samples_count++] = code;
}

static int find_entries(struct go_window *entries, struct go_window *functions,
			const struct pclntab *table, const struct search *search,
			struct pclntab_found *ret)
{
	uint32_t last = 0;

	for (uint64_t i = 0; i < table->count; i++) {
		struct entry entry[2];
		struct function function;
		const uint8_t *bytes =
			window_at(entries, table->functions + i * sizeof(*entry), sizeof(entry));
		if (!bytes)
			return -EBADMSG;
		memcpy(entry, bytes, sizeof(entry));
		bytes = window_at(functions, table->functions + entry[0].function,
				  sizeof(function));
		/* Both columns grow: so no piece is read twice. */
		if (!bytes || entry[0].code > entry[1].code || entry[0].function < last)
			return -EBADMSG;
		last = entry[0].function;
		memcpy(&function, bytes, sizeof(function));
		add_sample(table, i, entry[0].code, ret);
		for (size_t j = 0; j < search->count; j++) {
			if (function.name != search->offsets[j] || ret->functions[j].found)
				continue;
			ret->functions[j] =
				(struct pclntab_function){true, entry[0].code, entry[1].code};
		}
	}
	return 0;
}

int pclntab_find(const struct elf_image *image, const struct pclntab *table,
		 const char *const *names, size_t count, struct pclntab_found *ret)
{
	_cleanup_free_ struct go_window *windows = calloc(2, sizeof(*windows));
	struct search search = {.names = names, .count = count};

	if (!windows)
		return -ENOMEM;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < GO_NAMES_MAX; i++)
		search.offsets[i] = -1;
	windows[0].source = windows[1].source = image->source;
	int r = find_names(&windows[0], table, &search);
	windows[0].end = windows[1].end = table->end;
	if (r == 0)
		r = find_entries(&windows[0], &windows[1], table, &search, ret);
	return r;
}
