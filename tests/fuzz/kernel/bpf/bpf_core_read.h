/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * In place of libbpf's header: structures are those of bpf/types.h themselves, and to read one is to read it. A TCP
 * socket is one object of several types in the kernel; here it is several objects.
 */
static struct tcp_sock server_tcp;
static struct inet_connection_sock server_inet;

#define OBJECT_OF(from)                                                                            \
	_Generic((from), struct tcp_sock *                                                         \
		 : &server_tcp, struct inet_connection_sock *                                      \
		 : &server_inet, default                                                           \
		 : (from))
#define READ_1(from, a) (OBJECT_OF(from)->a)
#define READ_2(from, a, b) (OBJECT_OF(from)->a->b)
#define READ_3(from, a, b, c) (OBJECT_OF(from)->a->b->c)
#define READ_NAME(_1, _2, _3, name, ...) name
#define BPF_CORE_READ(from, ...) READ_NAME(__VA_ARGS__, READ_3, READ_2, READ_1, )(from, __VA_ARGS__)
#define bpf_core_field_exists(field) 1
#define bpf_core_type_size(type) sizeof(type)
#define __builtin_preserve_access_index(place) (place)
