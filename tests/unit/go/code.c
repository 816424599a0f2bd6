/* SPDX-License-Identifier: Apache-2.0 */
#include "go/code.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define CODE(...)                                                                                  \
	(const uint8_t[GO_PROLOGUE_BYTES])                                                         \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

/* As Go 1.18 to 1.26 compile them. */
static const struct {
	const char *name;
	uint16_t machine;
	const uint8_t *code;
	size_t bytes;
} prologues[] = {
	{"small frame: cmp rsp,[r14+16]; jbe", EM_X86_64, CODE(0x49, 0x3b, 0x66, 0x10, 0x76, 0x3d),
	 6},
	{"jbe far", EM_X86_64, CODE(0x49, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0x10, 2, 0, 0), 10},
	{"frame: lea r12,[rsp-0x78]; cmp r12,[r14+16]; jbe", EM_X86_64,
	 CODE(0x4c, 0x8d, 0x64, 0x24, 0x88, 0x4d, 0x3b, 0x66, 0x10, 0x0f, 0x86, 0x51, 2, 0, 0), 15},
	{"large frame: mov r12,rsp; sub r12,N; jb; cmp; jbe", EM_X86_64,
	 CODE(0x49, 0x89, 0xe4, 0x49, 0x81, 0xec, 0, 0, 1, 0, 0x72, 0x30, 0x4d, 0x3b, 0x66, 0x10,
	      0x76, 0x2a),
	 18},
	{"another register than the goroutine's", EM_X86_64,
	 CODE(0x49, 0x3b, 0x67, 0x10, 0x76, 0x3d), 0},
	{"another offset", EM_X86_64, CODE(0x49, 0x3b, 0x66, 0x18, 0x76, 0x3d), 0},
	{"no branch behind it", EM_X86_64, CODE(0x49, 0x3b, 0x66, 0x10, 0x90), 0},
	{"a leaf: push rbp; mov rbp,rsp", EM_X86_64, CODE(0x55, 0x48, 0x89, 0xe5), 0},
	{"no instruction", EM_X86_64, CODE(0x06), 0},
	{"arm64: ldr x16,[x28,16]; cmp sp,x16; b.ls", EM_AARCH64,
	 CODE(0x90, 0x0b, 0x40, 0xf9, 0xff, 0x63, 0x30, 0xeb, 0x09, 0x02, 0, 0x54), 12},
	{"arm64, frame: ldr; sub x17,sp,N; cmp x17,x16; b.ls", EM_AARCH64,
	 CODE(0x90, 0x0b, 0x40, 0xf9, 0xf1, 0x83, 0x01, 0xd1, 0x3f, 0x02, 0x10, 0xeb, 0x29, 0x0d, 0,
	      0x54),
	 16},
	{"arm64, a leaf", EM_AARCH64, CODE(0xc0, 0x03, 0x5f, 0xd6), 0},
	{"another machine", EM_386, CODE(0x49, 0x3b, 0x66, 0x10, 0x76, 0x3d), 0},
};

static void prologue_ends_behind_the_branch(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prologues); i++) {
		print_message("%s\n", prologues[i].name);
		assert_int_equal(code_prologue_bytes(prologues[i].machine, prologues[i].code,
						     GO_PROLOGUE_BYTES),
				 prologues[i].bytes);
	}
}

static void short_code_has_no_prologue(void **state)
{
	(void)state;
	for (size_t n = 0; n < 6; n++)
		assert_int_equal(code_prologue_bytes(EM_X86_64, prologues[0].code, n), 0);
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(code_prologue_bytes(EM_AARCH64, prologues[9].code, n), 0);
}

/* The byte of a return within another instruction is none. */
static void returns_are_whole_instructions(void **state)
{
	/* mov eax,0xc3c3c3c3; ret; ret 8; rep ret */
	static const uint8_t code[] = {0xb8, 0xc3, 0xc3, 0xc3, 0xc3, 0xc3,
				       0xc2, 0x08, 0,	 0xf3, 0xc3};
	struct go_returns returns;

	(void)state;
	assert_int_equal(code_find_returns(EM_X86_64, code, sizeof(code), &returns), 0);
	assert_int_equal(returns.count, 3);
	assert_int_equal(returns.offsets[0], 5);
	assert_int_equal(returns.offsets[1], 6);
	assert_int_equal(returns.offsets[2], 9);
}

static void code_that_cannot_be_told_is_refused(void **state)
{
	uint8_t many[GO_RETURNS_MAX + 1];
	struct go_returns returns;

	(void)state;
	memset(many, 0xc3, sizeof(many));
	assert_int_equal(code_find_returns(EM_X86_64, many, sizeof(many), &returns), -E2BIG);
	assert_int_equal(code_find_returns(EM_X86_64, many, sizeof(many) - 1, &returns), 0);
	assert_int_equal(code_find_returns(EM_X86_64, CODE(0x90), 1, &returns), -EBADMSG);
	assert_int_equal(code_find_returns(EM_X86_64, CODE(0xc3, 0x06), 2, &returns), -EBADMSG);
	assert_int_equal(code_find_returns(EM_X86_64, CODE(0xc3, 0xb8), 2, &returns), -EBADMSG);
	assert_int_equal(code_find_returns(EM_386, many, 1, &returns), -EPROTONOSUPPORT);
}

static void arm64_returns_are_words(void **state)
{
	/* nop; ret; ret x1; ret; and half a word */
	static const uint8_t code[] = {0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6, 0x20,
				       0x00, 0x5f, 0xd6, 0xc0, 0x03, 0x5f, 0xd6, 0xc0, 0x03};
	struct go_returns returns;

	(void)state;
	assert_int_equal(code_find_returns(EM_AARCH64, code, sizeof(code), &returns), 0);
	assert_int_equal(returns.count, 2);
	assert_int_equal(returns.offsets[0], 4);
	assert_int_equal(returns.offsets[1], 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prologue_ends_behind_the_branch),
		cmocka_unit_test(short_code_has_no_prologue),
		cmocka_unit_test(returns_are_whole_instructions),
		cmocka_unit_test(code_that_cannot_be_told_is_refused),
		cmocka_unit_test(arm64_returns_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
