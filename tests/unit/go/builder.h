/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Go executable of a few functions, as the linker lays it out: text, table of functions, module data. All functions
 * have the same code; the fillers make the tables as large as a test wants them.
 */
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "go/functions.h"

#define BUILD_BYTES_MAX (1u << 20)
#define BUILD_TEXT 0x401000ull
#define BUILD_DATA 0x800000ull
#define BUILD_MODULE_BYTES 256
#define BUILD_FUNCTION_BYTES 32
/* Where the second return of build_code is. */
#define BUILD_RETURN_1 15
#define BUILD_RETURN_2 22
#define BUILD_BODY 6

/* cmp rsp,[r14+16]; jbe; push rbp; mov rbp,rsp; test rbx,rbx; je; pop rbp; ret; nop*4; xor; pop rbp; ret; call; jmp; int3 … */
static const uint8_t build_code[BUILD_FUNCTION_BYTES] = {
	0x49, 0x3b, 0x66, 0x10, 0x76, 0x11, 0x55, 0x48, 0x89, 0xe5, 0x48,
	0x85, 0xdb, 0x74, 0x01, 0xc3, 0x90, 0x90, 0x90, 0x31, 0xc0, 0x5d,
	0xc3, 0xe8, 0x00, 0x00, 0x00, 0x00, 0xeb, 0xe2, 0xcc, 0xcc,
};

struct build {
	uint32_t magic;
	uint64_t header_text; /* textStart of the table's header */
	uint64_t module_text; /* of the module data; 0 = no such section */
	const char *table_name;
	const char *const *names; /* functions, after the fillers */
	size_t count;
	size_t fillers;
	const char *inlined; /* a name without a function; NULL = none */

	uint8_t *bytes; /* BUILD_BYTES_MAX */
	size_t n;
	size_t table; /* where the table of functions begins */
};

static inline void build_put(struct build *build, const void *bytes, size_t n)
{
	memcpy(build->bytes + build->n, bytes, n);
	build->n += n;
}

static inline void build_section(struct build *build, Elf64_Shdr *section, const char *names,
				 const char *name, uint64_t address, size_t from)
{
	const char *at = names;

	while (strcmp(at, name) != 0)
		at += strlen(at) + 1;
	*section = (Elf64_Shdr){
		.sh_name = (Elf64_Word)(at - names),
		.sh_type = SHT_PROGBITS,
		.sh_addr = address,
		.sh_offset = from,
		.sh_size = build->n - from,
	};
}

static inline void build_name(const struct build *build, size_t i, char *name, size_t n)
{
	if (i < build->fillers)
		(void)snprintf(name, n, "filler/package.function%zu", i);
	else
		(void)snprintf(name, n, "%s", build->names[i - build->fillers]);
}

/* struct pcHeader, the names, and the functions with their sorted table in front of them. */
static inline void build_table(struct build *build)
{
	size_t all = build->fillers + build->count, begin = build->table = build->n;
	uint64_t header[9] = {(uint64_t)8 << 56 | (uint64_t)1 << 48 | build->magic, all, 1,
			      build->header_text};
	static uint32_t offsets[1u << 16];

	build->n += sizeof(header);
	header[4] = build->n - begin;
	for (size_t i = 0; i < all; i++) {
		char name[256];
		build_name(build, i, name, sizeof(name));
		offsets[i] = (uint32_t)(build->n - begin - header[4]);
		build_put(build, name, strlen(name) + 1);
	}
	if (build->inlined)
		build_put(build, build->inlined, strlen(build->inlined) + 1);
	build->n = (build->n + 7) & ~7ul;
	header[5] = header[6] = header[7] = header[8] = build->n - begin;
	for (size_t i = 0; i <= all; i++) {
		uint32_t entry[2] = {(uint32_t)(i * BUILD_FUNCTION_BYTES),
				     (uint32_t)((all + 1) * sizeof(entry) + i * 44)};
		build_put(build, entry, i < all ? sizeof(entry) : sizeof(uint64_t));
	}
	for (size_t i = 0; i < all; i++) {
		uint32_t function[11] = {(uint32_t)(i * BUILD_FUNCTION_BYTES), offsets[i]};
		build_put(build, function, sizeof(function));
	}
	memcpy(build->bytes + begin, header, sizeof(header));
}

static inline void build_module(struct build *build)
{
	uint8_t module[BUILD_MODULE_BYTES] = {};

	memcpy(module + 176, &build->module_text, sizeof(build->module_text));
	build_put(build, module, sizeof(module));
}

/* Fills in bytes, n and table. */
static inline void build_make(struct build *build)
{
	static uint8_t bytes[BUILD_BYTES_MAX];
	static const char names[] = "\0.text\0.gopclntab\0.data.rel.ro.gopclntab\0.data.rel.ro\0"
				    ".go.module\0.shstrtab\0";
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 5,
		.e_shstrndx = 4,
	};
	Elf64_Phdr segments[2] = {};
	Elf64_Shdr sections[5] = {};
	size_t from;

	memset(bytes, 0, sizeof(bytes));
	build->bytes = bytes;
	from = build->n = sizeof(header) + sizeof(segments);
	for (size_t i = 0; i < build->fillers + build->count; i++)
		build_put(build, build_code, sizeof(build_code));
	build_section(build, &sections[1], names, ".text", BUILD_TEXT, from);
	segments[0] = (Elf64_Phdr){PT_LOAD, PF_X, from, BUILD_TEXT, 0, build->n - from, 0, 0};
	from = build->n = (build->n + 31) & ~31ul;
	build_table(build);
	build_section(build, &sections[2], names, build->table_name ?: ".gopclntab", BUILD_DATA,
		      from);
	size_t module = build->n;
	build_module(build);
	if (build->module_text)
		build_section(build, &sections[3], names, ".go.module", BUILD_DATA + module - from,
			      module);
	segments[1] = (Elf64_Phdr){PT_LOAD, PF_R, from, BUILD_DATA, 0, build->n - from, 0, 0};
	from = build->n;
	build_put(build, names, sizeof(names));
	build_section(build, &sections[4], names, ".shstrtab", 0, from);
	header.e_shoff = build->n;
	build_put(build, sections, sizeof(sections));
	memcpy(build->bytes, &header, sizeof(header));
	memcpy(build->bytes + sizeof(header), segments, sizeof(segments));
}

/* A source of bytes in memory. */
struct memory {
	const uint8_t *bytes;
	size_t n;
};

static inline int memory_read(void *arg, uint64_t offset, void *bytes, size_t n)
{
	const struct memory *memory = arg;

	if (offset > memory->n || n > memory->n - offset)
		return -ENODATA;
	memcpy(bytes, memory->bytes + offset, n);
	return 0;
}
