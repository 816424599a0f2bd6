// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define BUNSCOPE_DEFINE_MAPS
#include "bpf/maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
