/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sections and addresses of an ELF file whose bytes are hostile. libelf would do, but it allocates what a file's
 * header asks for, and reads whole sections; a Go server's tables have tens of megabytes.
 */
#include <stddef.h>
#include <stdint.h>

#include "go/source.h"

/* Section headers that are looked at: Go's linker makes some 30, C's with debug information some 50. */
#define ELF_SECTIONS_MAX 512
#define ELF_SEGMENTS_MAX 64
#define ELF_SECTION_NAME_BYTES 32

struct elf_section {
	uint64_t address;
	uint64_t offset; /* in the file */
	uint64_t bytes;
};

struct elf_image {
	struct go_source source;
	uint16_t machine; /* EM_… */
	uint64_t sections_offset;
	uint64_t segments_offset;
	uint16_t sections;
	uint16_t segments;
	struct elf_section names; /* of sections */
};

/* 0; -ENOEXEC: it is no little-endian 64-bit executable; else what the source said. */
int elf_open(const struct go_source *source, struct elf_image *ret);
/* 0; -ENOENT. */
int elf_find_section(const struct elf_image *image, const char *name, struct elf_section *ret);
/* The file offset behind an address of a segment that is loaded. 0; -ENOENT. */
int elf_offset_of(const struct elf_image *image, uint64_t address, uint64_t *ret);
/* The 8 bytes at an address, as they are once relocated to address 0. 0; -ENOENT. */
int elf_read_word(const struct elf_image *image, uint64_t address, uint64_t *ret);
