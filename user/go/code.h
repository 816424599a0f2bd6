/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The machine code of one Go function. x86-64 is decoded by Zydis: of the decoders in Debian it is the one that allocates
 * nothing and has its tables in read-only memory. Capstone has arm64 too, but there an instruction is one word, and the
 * two that are looked for are constants.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Return instructions of one function. */
#define GO_RETURNS_MAX 32
/* Longer functions are passed over. */
#define GO_CODE_BYTES_MAX (64u * 1024)
/* What code_prologue_bytes() needs to see. */
#define GO_PROLOGUE_BYTES 64

struct go_returns {
	size_t count;
	uint32_t offsets[GO_RETURNS_MAX]; /* from the function's begin */
};

/*
 * How long the comparison of the stack with the goroutine's limit is, with which Go functions begin; 0 where there is none.
 * machine: EM_… Behind it a call is seen once, with its arguments still where they were passed: the comparison itself
 * runs again when the stack had to grow, or the scheduler wanted the goroutine to stop.
 */
size_t code_prologue_bytes(uint16_t machine, const uint8_t *code, size_t n);
/*
 * Every return instruction. 0; -EBADMSG: it cannot be decoded from begin to end, or never returns; -E2BIG: too many;
 * -EPROTONOSUPPORT: not for that machine.
 */
int code_find_returns(uint16_t machine, const uint8_t *code, size_t n, struct go_returns *ret);
