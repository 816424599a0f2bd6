/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* In place of libbpf's header: a program is a function that takes its context, an array of words, and its arguments. */
#define BPF_PROG(name, ...) name(__u64 *ctx, __VA_ARGS__)
