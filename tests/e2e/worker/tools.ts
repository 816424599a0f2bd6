// SPDX-License-Identifier: Apache-2.0
// Tools that end in every way a tool can end. Each takes the request's input.
import { existsSync, openSync, readdirSync, readlinkSync, writeFileSync, writeSync } from "node:fs";

const forever = () => new Promise<never>(() => setInterval(() => {}, 1000));
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function writeAll(fd: number, bytes: number, line = 0): void {
  const chunk = Buffer.alloc(65536, "x");
  if (line) for (let i = line - 1; i < chunk.length; i += line) chunk[i] = 10;
  for (let left = bytes; left > 0; ) {
    try {
      left -= writeSync(fd, chunk, 0, Math.min(left, chunk.length));
    } catch (error: any) {
      if (error.code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}

// Every descriptor of the pipe that is stdout: Bun keeps duplicates of fd 1. Through libc, because Bun's own
// closeSync leaves 0, 1 and 2 alone in some versions.
async function closeStdout(): Promise<void> {
  const { dlopen } = await import("bun:ffi");
  const libc = dlopen("libc.so.6", { close: { args: ["int"], returns: "int" } });
  const target = readlinkSync("/proc/self/fd/1");
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) === target) libc.symbols.close(Number(name));
    } catch {
      // the directory's own descriptor is gone by now
    }
  }
}

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const REPLY = '{"result":{"early":true},"error":null,"metadata":{"tool_id":"early"}}';

// Tells a test that the request was read and the tool runs.
function mark({ marker }: { marker?: string }): void {
  if (marker) writeFileSync(marker, "");
}

const tools: Record<string, (input: any) => unknown> = {
  sum: async ({ a, b }) => ({ sum: a + b }),
  echo: async (input) => input,
  big: async ({ bytes }) => ({ data: "x".repeat(bytes) }),
  nothing: async () => undefined,
  // Until the test takes the marker away.
  waits: async (input) => {
    mark(input);
    while (existsSync(input.marker)) await after(10);
    return { waited: true };
  },
  slow: async (input) => (mark(input), await after(input.ms), { slept: input.ms }),
  spin: async ({ ms }) => (spin(ms), { spun: ms }),

  rejects: async ({ message }) => {
    throw new Error(message ?? "rejected");
  },
  // stays: longer than the worker's own timer, which is as long as the server's deadline.
  throws: ({ message, stays }) => {
    if (stays) setInterval(() => {}, 1000);
    throw new Error(message ?? "thrown");
  },
  bigint: async () => ({ n: 1n }),
  cyclic: async () => {
    const value: any = {};
    return (value.value = value);
  },

  garbage_before: async () => (writeSync(1, "debug: here\n"), { ok: true }),
  garbage_after: async () => (setTimeout(() => writeSync(1, "\nbye\n"), 50), { ok: true }),
  garbage_only: async () => (writeSync(1, "not JSON\n"), process.exit(0)),
  silent: async () => process.exit(0),
  exit: async ({ code }) => process.exit(code),
  reply_then_exit: async ({ code }) => (setTimeout(() => process.exit(code), 50), { ok: true }),
  rejects_later: async () => {
    setTimeout(() => void Promise.reject(new Error("nobody catches this")), 50);
    return { ok: true };
  },
  crash: async ({ signal }) => (process.kill(process.pid, signal), forever()),

  faults: async () => ((await import("bun:ffi")).read.u8(8 as any), forever()),

  sleep: (input) => (mark(input), forever()),
  keeps_timer: async () => (setInterval(() => {}, 1000), { ok: true }),
  closes_stdout: async () => (writeSync(1, REPLY), await closeStdout(), forever()),
  reopens_stdout: async () => {
    await closeStdout();
    openSync("/dev/null", "w");
    return { ok: true };
  },
  grandchild: async ({ seconds }) => {
    const stdio = ["ignore", "inherit", "ignore"] as const;
    Bun.spawn(["sleep", String(seconds)], { stdio: [...stdio] }).unref();
    return { ok: true };
  },

  prints: async ({ bytes }) => (writeAll(1, bytes), process.exit(0)),
  prints_then_sleeps: async ({ bytes }) => (writeAll(1, bytes), forever()),
  floods_stderr: async ({ bytes }) => (writeAll(2, bytes, 1024), { ok: true }),
  long_stderr_line: async ({ bytes }) => (writeAll(2, bytes), { ok: true }),
  eats_memory: async () => {
    const hoard: Buffer[] = [];
    for (;;) hoard.push(Buffer.alloc(4 << 20, 1));
  },
};

export default tools;
