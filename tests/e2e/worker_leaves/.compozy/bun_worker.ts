// SPDX-License-Identifier: Apache-2.0
// A worker that waits until its request begins to arrive, and leaves without having read any of it.
import { dlopen, ptr } from "bun:ffi";

const POLLIN = 1;
const libc = dlopen("libc.so.6", { poll: { args: ["ptr", "u64", "i32"], returns: "i32" } });
const descriptor = new Int32Array([0, POLLIN]); // struct pollfd of fd 0
libc.symbols.poll(ptr(descriptor), 1, -1);
process.exit(1);
