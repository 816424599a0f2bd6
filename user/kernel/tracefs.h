/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* tracefs, for the ids of classic tracepoints; and debugfs. */

/*
 * A directory descriptor of tracefs: where it is mounted, else a mount of our own that is in no
 * directory and goes with the descriptor. -errno when neither can be had.
 */
int tracefs_open(void);
/* The same of debugfs. */
int debugfs_open(void);
/* The id of events/syscalls/NAME. -errno. */
int tracefs_syscall_id(int tracefs, const char *name);
