/* SPDX-License-Identifier: Apache-2.0 */
#include "go/code.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include <Zydis/Zydis.h>

/* struct g: stackguard0 is behind the two words of the stack's bounds; all versions up to 1.26. */
#define STACK_GUARD_OFFSET 16
/* A large frame's size is subtracted from the stack pointer before the comparison. */
#define PROLOGUE_INSTRUCTIONS_MAX 8

#define ARM64_WORD_BYTES 4
/* ldr x16, [x28, #16]: x28 is the goroutine */
#define ARM64_LOAD_STACK_GUARD 0xf9400b90u
/* b.ls; its distance is masked out. The branch before it, of a frame of more than 4 GiB, is another. */
#define ARM64_BRANCH_MASK 0xff00001fu
#define ARM64_BRANCH_IF_LOWER 0x54000009u
/* ret x30 */
#define ARM64_RETURN 0xd65f03c0u

static bool decoder_init(ZydisDecoder *decoder)
{
	return ZYAN_SUCCESS(
		ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
}

/* cmp REGISTER, [r14+16] */
static bool compares_stack_guard(const ZydisDecodedInstruction *instruction,
				 const ZydisDecodedOperand *operands)
{
	const ZydisDecodedOperand *guard = &operands[1];

	return instruction->mnemonic == ZYDIS_MNEMONIC_CMP &&
	       operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       guard->type == ZYDIS_OPERAND_TYPE_MEMORY && guard->mem.base == ZYDIS_REGISTER_R14 &&
	       guard->mem.index == ZYDIS_REGISTER_NONE &&
	       guard->mem.disp.value == STACK_GUARD_OFFSET;
}

static size_t x86_prologue_bytes(const uint8_t *code, size_t n)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction instruction;
	ZydisDecoder decoder;
	bool compared = false;
	size_t at = 0;

	if (!decoder_init(&decoder))
		return 0;
	for (int i = 0; i < PROLOGUE_INSTRUCTIONS_MAX; i++) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, n - at, &instruction,
							 operands)))
			return 0;
		at += instruction.length;
		if (compared)
			return instruction.meta.category == ZYDIS_CATEGORY_COND_BR ? at : 0;
		compared = compares_stack_guard(&instruction, operands);
	}
	return 0;
}

static size_t arm64_prologue_bytes(const uint8_t *code, size_t n)
{
	uint32_t words[PROLOGUE_INSTRUCTIONS_MAX];

	if (n < sizeof(words))
		return 0;
	memcpy(words, code, sizeof(words));
	if (words[0] != ARM64_LOAD_STACK_GUARD)
		return 0;
	for (size_t i = 1; i < PROLOGUE_INSTRUCTIONS_MAX; i++) {
		if ((words[i] & ARM64_BRANCH_MASK) == ARM64_BRANCH_IF_LOWER)
			return (i + 1) * ARM64_WORD_BYTES;
	}
	return 0;
}

size_t code_prologue_bytes(uint16_t machine, const uint8_t *code, size_t n)
{
	if (machine == EM_X86_64)
		return x86_prologue_bytes(code, n);
	return machine == EM_AARCH64 ? arm64_prologue_bytes(code, n) : 0;
}

static int returns_add(struct go_returns *returns, size_t offset)
{
	if (returns->count == GO_RETURNS_MAX)
		return -E2BIG;
	returns->offsets[returns->count++] = (uint32_t)offset;
	return 0;
}

static int x86_find_returns(const uint8_t *code, size_t n, struct go_returns *ret)
{
	ZydisDecodedInstruction instruction;
	ZydisDecoder decoder;
	int r = 0;

	if (!decoder_init(&decoder))
		return -EBADMSG;
	for (size_t at = 0; at < n && r == 0; at += instruction.length) {
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code + at, n - at,
								&instruction)))
			return -EBADMSG;
		if (instruction.mnemonic == ZYDIS_MNEMONIC_RET)
			r = returns_add(ret, at);
	}
	return r;
}

static int arm64_find_returns(const uint8_t *code, size_t n, struct go_returns *ret)
{
	int r = 0;

	for (size_t at = 0; n - at >= ARM64_WORD_BYTES && r == 0; at += ARM64_WORD_BYTES) {
		uint32_t word = 0;
		memcpy(&word, code + at, sizeof(word));
		if (word == ARM64_RETURN)
			r = returns_add(ret, at);
	}
	return r;
}

int code_find_returns(uint16_t machine, const uint8_t *code, size_t n, struct go_returns *ret)
{
	struct go_returns returns = {};
	int r = -EPROTONOSUPPORT;

	if (machine == EM_X86_64)
		r = x86_find_returns(code, n, &returns);
	else if (machine == EM_AARCH64)
		r = arm64_find_returns(code, n, &returns);
	if (r == 0 && returns.count == 0)
		r = -EBADMSG;
	if (r == 0)
		*ret = returns;
	return r;
}
