/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Go's table of functions, which is there in stripped executables too: runtime/symtab.go, struct pcHeader and
 * struct _func. The formats of Go 1.18 and of 1.20, which is that of all later versions up to 1.26.
 */
#include <stdbool.h>

#include "go/elf_image.h"

/* Functions that are looked for at once. */
#define GO_NAMES_MAX 16
/* Functions from all over the program, by which a guess at the text's start is judged. */
#define GO_SAMPLES_MAX 64

struct pclntab {
	struct elf_section section;
	uint64_t names; /* offsets in the file */
	uint64_t names_end;
	uint64_t functions;
	uint64_t end;
	uint64_t count; /* functions */
};

/* Where a function's code is, relative to the start of the program's text. */
struct pclntab_function {
	bool found;
	uint32_t begin;
	uint32_t end; /* with what fills the gap before the next function */
};

struct pclntab_found {
	struct pclntab_function functions[GO_NAMES_MAX]; /* as they were asked for */
	uint32_t samples[GO_SAMPLES_MAX];		 /* where functions begin */
	size_t samples_count;
};

/* 0; -ENOENT: no Go program; -EPROTONOSUPPORT: of a Go whose table we do not know; -EBADMSG: it makes no sense. */
int pclntab_open(const struct elf_image *image, struct pclntab *ret);
/* Finds count functions by their whole names. 0, also where none is found; -EBADMSG; -ENOMEM. */
int pclntab_find(const struct elf_image *image, const struct pclntab *table,
		 const char *const *names, size_t count, struct pclntab_found *ret);
