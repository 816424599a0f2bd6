/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Go's internal calling convention since 1.17 (amd64) and 1.18 (arm64), cmd/compile/abi-internal.md: arguments and results
 * word by word in these registers, a string or an interface taking two; and the current goroutine in one.
 */
#include "bpf/types.h"

#if defined(__TARGET_ARCH_x86)
#define go_word0(regs) ((regs)->ax)
#define go_word1(regs) ((regs)->bx)
#define go_word2(regs) ((regs)->cx)
#define go_word3(regs) ((regs)->di)
#define go_word4(regs) ((regs)->si)
#define go_word5(regs) ((regs)->r8)
#define go_word6(regs) ((regs)->r9)
#define go_word7(regs) ((regs)->r10)
#define go_word8(regs) ((regs)->r11)
#define GO_GOROUTINE r14
#elif defined(__TARGET_ARCH_arm64)
#define go_word0(regs) ((regs)->regs[0])
#define go_word1(regs) ((regs)->regs[1])
#define go_word2(regs) ((regs)->regs[2])
#define go_word3(regs) ((regs)->regs[3])
#define go_word4(regs) ((regs)->regs[4])
#define go_word5(regs) ((regs)->regs[5])
#define go_word6(regs) ((regs)->regs[6])
#define go_word7(regs) ((regs)->regs[7])
#define go_word8(regs) ((regs)->regs[8])
#define GO_GOROUTINE regs[28]
#else
#error "add this architecture's registers here"
#endif
#define go_goroutine(regs) ((regs)->GO_GOROUTINE)
