/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Functions of a Go executable, stripped or not: where a breakpoint may be put. One in the middle of an instruction
 * would break the server, so each place is proven: the function begins as Go's compiler begins one, and its
 * returns are what a decoder finds from its first byte to its last.
 */
#include "go/code.h"
#include "go/pclntab.h"

struct go_function {
	bool found;	/* false: inlined, not linked, or its code is not as expected */
	uint64_t entry; /* offset in the file */
	uint64_t body;	/* behind the comparison of the stack: passed once by each call */
	struct go_returns returns;
};

/*
 * 0, also where none is found. -ENOEXEC: no 64-bit executable; -ENOENT: none of Go; -EPROTONOSUPPORT: of a Go that is not
 * known; -EBADMSG: the tables make no sense; -EADDRNOTAVAIL: nowhere is the code that they speak of; -ENOMEM; or what the
 * source said.
 */
int go_functions_find(const struct go_source *source, const char *const *names, size_t count,
		      struct go_function *ret);
