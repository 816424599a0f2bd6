/* SPDX-License-Identifier: Apache-2.0 */
#include "go/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Relocations that are looked through for one: a position-independent server has some hundred thousand. */
#define RELOCATIONS_MAX (1u << 20)
#define RELOCATIONS_BATCH 128

static int read_at(const struct elf_image *image, uint64_t offset, void *bytes, size_t n)
{
	return image->source.get(image->source.arg, offset, bytes, n);
}

static bool is_executable(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       (header->e_type == ET_EXEC || header->e_type == ET_DYN) &&
	       header->e_shentsize == sizeof(Elf64_Shdr) &&
	       header->e_phentsize == sizeof(Elf64_Phdr) && header->e_shnum <= ELF_SECTIONS_MAX &&
	       header->e_phnum <= ELF_SEGMENTS_MAX && header->e_shstrndx < header->e_shnum;
}

static int read_section(const struct elf_image *image, unsigned index, Elf64_Shdr *ret)
{
	uint64_t offset = 0;

	if (__builtin_add_overflow(image->sections_offset, index * sizeof(*ret), &offset))
		return -ENOEXEC;
	return read_at(image, offset, ret, sizeof(*ret));
}

static struct elf_section section_of(const Elf64_Shdr *header)
{
	return (struct elf_section){
		.address = header->sh_addr,
		.offset = header->sh_offset,
		.bytes = header->sh_type == SHT_NOBITS ? 0 : header->sh_size,
	};
}

int elf_open(const struct go_source *source, struct elf_image *ret)
{
	struct elf_image image = {.source = *source};
	Elf64_Ehdr header;
	Elf64_Shdr names;

	int r = read_at(&image, 0, &header, sizeof(header));
	if (r < 0)
		return r;
	if (!is_executable(&header))
		return -ENOEXEC;
	image.machine = header.e_machine;
	image.sections_offset = header.e_shoff;
	image.sections = header.e_shnum;
	image.segments_offset = header.e_phoff;
	image.segments = header.e_phnum;
	r = read_section(&image, header.e_shstrndx, &names);
	if (r < 0)
		return r;
	image.names = section_of(&names);
	*ret = image;
	return 0;
}

/* False also where it cannot be read: then it is none that we look for. */
static bool section_has_name(const struct elf_image *image, const Elf64_Shdr *header,
			     const char *name)
{
	char found[ELF_SECTION_NAME_BYTES];
	size_t n = strlen(name) + 1;
	uint64_t offset = 0;

	if (n > sizeof(found) || header->sh_name > image->names.bytes ||
	    n > image->names.bytes - header->sh_name)
		return false;
	if (__builtin_add_overflow(image->names.offset, header->sh_name, &offset))
		return false;
	return read_at(image, offset, found, n) == 0 && memcmp(found, name, n) == 0;
}

int elf_find_section(const struct elf_image *image, const char *name, struct elf_section *ret)
{
	for (unsigned i = 0; i < image->sections; i++) {
		Elf64_Shdr header;
		uint64_t end = 0;

		int r = read_section(image, i, &header);
		if (r < 0)
			return r;
		if (!section_has_name(image, &header, name))
			continue;
		if (__builtin_add_overflow(header.sh_offset, header.sh_size, &end) ||
		    __builtin_add_overflow(header.sh_addr, header.sh_size, &end))
			return -ENOEXEC;
		*ret = section_of(&header);
		return 0;
	}
	return -ENOENT;
}

static bool segment_has(const Elf64_Phdr *segment, uint64_t address)
{
	return segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
	       address - segment->p_vaddr < segment->p_filesz;
}

int elf_offset_of(const struct elf_image *image, uint64_t address, uint64_t *ret)
{
	for (unsigned i = 0; i < image->segments; i++) {
		Elf64_Phdr segment;
		uint64_t at = 0;

		if (__builtin_add_overflow(image->segments_offset, i * sizeof(segment), &at))
			return -ENOEXEC;
		int r = read_at(image, at, &segment, sizeof(segment));
		if (r < 0)
			return r;
		if (!segment_has(&segment, address))
			continue;
		if (__builtin_add_overflow(address - segment.p_vaddr, segment.p_offset, ret))
			return -ENOEXEC;
		return 0;
	}
	return -ENOENT;
}

static bool is_relative(const struct elf_image *image, const Elf64_Rela *entry)
{
	uint64_t type = ELF64_R_TYPE(entry->r_info);

	return type == (image->machine == EM_AARCH64 ? R_AARCH64_RELATIVE : R_X86_64_RELATIVE);
}

/* What a relative relocation puts at the address. */
static int find_relocation(const struct elf_image *image, const struct elf_section *table,
			   uint64_t address, uint64_t *ret)
{
	Elf64_Rela batch[RELOCATIONS_BATCH];
	uint64_t count = table->bytes / sizeof(*batch);

	if (count > RELOCATIONS_MAX)
		return -ENOEXEC;
	for (uint64_t i = 0; i < count; i += RELOCATIONS_BATCH) {
		size_t n = count - i < RELOCATIONS_BATCH ? count - i : RELOCATIONS_BATCH;
		int r = read_at(image, table->offset + i * sizeof(*batch), batch,
				n * sizeof(*batch));
		if (r < 0)
			return r;
		for (size_t j = 0; j < n; j++) {
			if (batch[j].r_offset != address || !is_relative(image, &batch[j]))
				continue;
			*ret = (uint64_t)batch[j].r_addend;
			return 0;
		}
	}
	return -ENOENT;
}

int elf_read_word(const struct elf_image *image, uint64_t address, uint64_t *ret)
{
	/* C's linker's name, and Go's. */
	static const char *const tables[] = {".rela.dyn", ".rela"};
	struct elf_section table;
	uint64_t offset = 0, word = 0;

	int r = elf_offset_of(image, address, &offset);
	if (r == 0)
		r = read_at(image, offset, &word, sizeof(word));
	if (r < 0)
		return r;
	for (size_t i = 0; word == 0 && i < sizeof(tables) / sizeof(*tables); i++) {
		r = elf_find_section(image, tables[i], &table);
		if (r == 0)
			r = find_relocation(image, &table, address, &word);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	*ret = word;
	return 0;
}
