/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Programs at the classic tracepoints of system calls. */
struct bpf_link;
struct bpf_program;

/* Mounts tracefs where it is missing, in a mount namespace of our own: nobody else sees it. Says so when it cannot. */
void tracefs_need(void);
/* To a tracepoint of group `syscalls`: "sys_exit_read". NULL and errno when it fails. */
struct bpf_link *tracepoint_attach(const struct bpf_program *program, const char *name);
