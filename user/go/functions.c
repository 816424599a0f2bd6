/* SPDX-License-Identifier: Apache-2.0 */
#include "go/functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* runtime/symtab.go: the field text of struct moduledata, from Go 1.18 to 1.26. */
#define MODULE_TEXT_OFFSET 176
/* struct pcHeader: textStart, which Go 1.26 leaves 0. */
#define HEADER_TEXT_OFFSET 24

/* Reads a function's first bytes. False where they are none of a function of Go's. */
static bool starts_at(const struct elf_image *image, uint64_t address)
{
	uint8_t code[GO_PROLOGUE_BYTES];
	uint64_t offset = 0;

	if (elf_offset_of(image, address, &offset) < 0 ||
	    image->source.get(image->source.arg, offset, code, sizeof(code)) < 0)
		return false;
	return code_prologue_bytes(image->machine, code, sizeof(code)) != 0;
}

/*
 * With that start of the text, do functions begin where the table says? Most compare the stack's limit first; leaves and
 * assembly do not. Where the start is wrong, hardly any of the places is another function's begin by chance.
 */
static bool text_fits(const struct elf_image *image, uint64_t text,
		      const struct pclntab_found *found)
{
	size_t fit = 0;

	for (size_t i = 0; i < found->samples_count; i++) {
		uint64_t address = 0;

		if (!__builtin_add_overflow(text, found->samples[i], &address))
			fit += starts_at(image, address);
	}
	return fit * 3 > found->samples_count;
}

/*
 * The address that the table's offsets count from. Up to Go 1.25 its header has it; in 1.26 the module's data,
 * which has a section of its own; and without C's linker in between it is where .text begins.
 */
static int find_text(const struct elf_image *image, const struct pclntab *table,
		     const struct pclntab_found *found, uint64_t *ret)
{
	struct elf_section module = {}, text = {};
	uint64_t candidates[3] = {};

	(void)elf_read_word(image, table->section.address + HEADER_TEXT_OFFSET, &candidates[0]);
	if (elf_find_section(image, ".go.module", &module) == 0)
		(void)elf_read_word(image, module.address + MODULE_TEXT_OFFSET, &candidates[1]);
	if (elf_find_section(image, ".text", &text) == 0)
		candidates[2] = text.address;
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		if (candidates[i] && text_fits(image, candidates[i], found)) {
			*ret = candidates[i];
			return 0;
		}
	}
	return -EADDRNOTAVAIL;
}

/* A function whose returns cannot be told is as good as not there. */
static int read_function(const struct elf_image *image, uint64_t text,
			 const struct pclntab_function *found, struct go_function *ret)
{
	struct go_function function = {.found = true};
	size_t n = found->end - found->begin;

	if (n > GO_CODE_BYTES_MAX)
		return 0;
	_cleanup_free_ uint8_t *code = malloc(n);
	if (!code)
		return -ENOMEM;
	int r = elf_offset_of(image, text + found->begin, &function.entry);
	if (r == 0)
		r = image->source.get(image->source.arg, function.entry, code, n);
	if (r < 0)
		return r;
	size_t prologue = code_prologue_bytes(image->machine, code, n);
	function.body = function.entry + prologue;
	if (prologue && code_find_returns(image->machine, code, n, &function.returns) == 0)
		*ret = function;
	return 0;
}

int go_functions_find(const struct go_source *source, const char *const *names, size_t count,
		      struct go_function *ret)
{
	struct pclntab_found found;
	struct elf_image image;
	struct pclntab table;
	uint64_t text = 0;

	if (count > GO_NAMES_MAX)
		return -EINVAL;
	int r = elf_open(source, &image);
	if (r == 0)
		r = pclntab_open(&image, &table);
	if (r == 0)
		r = pclntab_find(&image, &table, names, count, &found);
	if (r == 0)
		r = find_text(&image, &table, &found, &text);
	if (r < 0)
		return r;
	memset(ret, 0, count * sizeof(*ret));
	for (size_t i = 0; i < count && r == 0; i++) {
		if (found.functions[i].found)
			r = read_function(&image, text, &found.functions[i], &ret[i]);
	}
	return r;
}
