/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* In place of libbpf's header: what bpf/ uses of it, for a program of user space. The helpers are in kernel/http.c. */
#define SEC(name)
#define __always_inline inline __attribute__((always_inline))
#define __ksym
#define __weak __attribute__((weak)) /* functions of newer kernels: this one has none */
#define __noinline __attribute__((noinline))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#define barrier_var(variable) asm volatile("" : "+r"(variable))

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
long bpf_probe_read_user(void *to, __u32 bytes, const void *from);
long bpf_probe_read_kernel(void *to, __u32 bytes, const void *from);
void *bpf_ringbuf_reserve(void *ring, __u64 bytes, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
void bpf_ringbuf_discard(void *record, __u64 flags);
__u64 bpf_ringbuf_query(void *ring, __u64 flags);
__u64 bpf_ktime_get_ns(void);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_cgroup_id(void);
__u64 bpf_get_current_task(void);
struct task_struct *bpf_get_current_task_btf(void);
long bpf_task_pt_regs(struct task_struct *task);
__u32 bpf_get_smp_processor_id(void);
