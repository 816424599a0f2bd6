/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What libbpf has to say goes to our log, at debug. Before any other use of libbpf. */
void libbpf_log_setup(void);
