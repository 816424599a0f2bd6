/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * bpf/http.bpf.c as a part of a program in user space: one server, one TCP connection, helpers that check what they are
 * asked for. Includes nothing: kernel/http.c has the kernel's types, whoever calls has those of libc.
 */
struct route_filter;
struct exchange;

/* Direction as in enum transfer_direction. */
enum { KERNEL_READ, KERNEL_WRITE };

/* Forgets everything. Each record that is sent is handed to sent(). */
void kernel_http_begin(const struct route_filter *filters, unsigned count,
		       void (*sent)(const struct exchange *exchange));
/* The server has read or written n bytes; in two pieces where 0 < first < n. 0 where the connection is not followed. */
int kernel_http_transfer(int direction, const unsigned char *bytes, unsigned long n,
			 unsigned long first);
/* The client closes its side. */
void kernel_http_client_gone(void);
/* The socket is gone. Returns how many records are left over. */
unsigned long kernel_http_end(void);
/* A counter of include/counters.h. */
unsigned long long kernel_http_count(unsigned index);
