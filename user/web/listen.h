/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The listening socket: opened here rather than by the HTTP library, so that an error says what is
 * wrong. */

#define LISTEN_ADDRESS_BYTES 64 /* "[IPv6 address%interface]:port" */

/*
 * host: a name, an IPv4 address, an IPv6 address without brackets, or "" for all addresses of both
 * families. port: decimal; "0" picks a free one. 0 and a non-blocking socket, or -errno:
 * -EADDRNOTAVAIL when host has no address or is not ours, -EADDRINUSE, -EACCES, …
 */
int listen_open(const char *host, const char *port, int *ret_fd);
/* What the socket is bound to as HOST:PORT, an IPv6 address in brackets. 0 or -errno. */
int listen_address(int fd, char text[LISTEN_ADDRESS_BYTES]);
