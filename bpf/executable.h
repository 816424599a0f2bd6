/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Which executables are Bun: the file's own name, and the path that exec was given. */
#include "bpf/maps.h"
#include <bpf/bpf_core_read.h>

const volatile struct exe_pattern exe_patterns[EXE_PATTERNS_MAX];
const volatile __u32 exe_patterns_count;
/* The servers' executables: --server.exe. */
const volatile struct exe_pattern server_patterns[EXE_PATTERNS_MAX];
const volatile __u32 server_patterns_count;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct executable);
} executables SEC(".maps");

static __always_inline __u32 base_name(const char *path, __u32 bytes)
{
	__u32 base = 0;

	for (__u32 i = 0; i < PATH_BYTES; i++) {
		if (i >= bytes)
			break;
		if (path[i] == '/')
			base = i + 1;
	}
	return base;
}

static __always_inline struct executable *executable_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&executables, &zero);
}

/* Fills in what follows from the path that was read, n bytes with its NUL or -errno. */
static __always_inline void executable_set_path(struct executable *executable, long n)
{
	executable->path_bytes = n > 0 ? n - 1 : 0;
	executable->base = base_name(executable->path, executable->path_bytes);
	/* Read back from memory, it is any number to the verifier; in a register it is 256 cases to follow. */
	barrier();
}

/* Both names, on this cpu's scratch; NULL when there is none. */
static __always_inline const struct executable *executable_read(struct linux_binprm *bprm)
{
	struct executable *executable = executable_scratch();
	long n;

	if (!executable)
		return NULL;
	n = bpf_probe_read_kernel_str(executable->path, PATH_BYTES, BPF_CORE_READ(bprm, interp));
	executable_set_path(executable, n);
	n = bpf_probe_read_kernel_str(executable->name, NAME_BYTES,
				      BPF_CORE_READ(bprm, file, f_path.dentry, d_name.name));
	executable->name_bytes = n > 0 ? n - 1 : 0;
	return executable;
}

/* The path alone, where the file is not known yet. */
static __always_inline const struct executable *executable_read_user(__u64 path)
{
	struct executable *executable = executable_scratch();

	if (!executable)
		return NULL;
	executable_set_path(executable,
			    bpf_probe_read_user_str(executable->path, PATH_BYTES, (void *)path));
	executable->name[0] = 0;
	executable->name_bytes = 0;
	return executable;
}

/* text[offset …] starts with the literal. `room` is text's size, a power of two. */
static __always_inline bool text_at(const char *text, __u32 room, __u32 offset,
				    const volatile char *literal, __u32 bytes)
{
	for (__u32 i = 0; i < EXE_LITERAL_BYTES; i++) {
		if (i >= bytes)
			break;
		if (text[(offset + i) & (room - 1)] != literal[i])
			return false;
	}
	return true;
}

static __always_inline bool pattern_matches(const volatile struct exe_pattern *pattern,
					    const char *text, __u32 room, __u32 begin, __u32 end)
{
	__u32 prefix = pattern->prefix_bytes, suffix = pattern->suffix_bytes;

	if (end - begin < prefix + suffix || (pattern->exact && end - begin != prefix))
		return false;
	return text_at(text, room, begin, pattern->prefix, prefix) &&
	       text_at(text, room, end - suffix, pattern->suffix, suffix);
}

static __always_inline bool executable_is(const struct executable *executable,
					  const volatile struct exe_pattern *patterns, __u32 count)
{
	for (__u32 i = 0; i < EXE_PATTERNS_MAX; i++) {
		const volatile struct exe_pattern *pattern = &patterns[i];
		__u32 begin = pattern->whole_path ? 0 : executable->base;

		if (i >= count)
			break;
		if (pattern_matches(pattern, executable->path, PATH_BYTES, begin,
				    executable->path_bytes))
			return true;
		if (!pattern->whole_path && pattern_matches(pattern, executable->name, NAME_BYTES,
							    0, executable->name_bytes))
			return true;
	}
	return false;
}

static __always_inline bool executable_matches(const struct executable *executable)
{
	return executable_is(executable, exe_patterns, exe_patterns_count);
}

static __always_inline bool executable_is_server(const struct executable *executable)
{
	return executable_is(executable, server_patterns, server_patterns_count);
}
