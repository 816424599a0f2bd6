// SPDX-License-Identifier: Apache-2.0
// One tool call with child_process.spawn, and the truth that code inside a server in Node would know of it.
import { spawn } from "node:child_process";
import { constants } from "node:os";

export const TIMEOUT_MS = 60_000;
const seconds = (since) => (performance.now() - since) / 1000;

function makeRequest(job) {
  const input = job.input_pad_bytes ? { pad: "p".repeat(job.input_pad_bytes) } : job.input ?? {};
  const request = { tool_id: job.tool, tool_exec_id: job.exec_id ?? "34fQ0bZk1xYvT7mN2cR8sL5pWdA", input };
  return JSON.stringify({ ...request, config: null, env: {}, timeout_ms: job.timeout_ms ?? TIMEOUT_MS });
}

function replyIsSuccess(text) {
  if (!text.trim()) return true;
  try {
    const reply = JSON.parse(text);
    return reply === null || (!Array.isArray(reply) && typeof reply === "object" && reply.error == null);
  } catch {
    return false;
  }
}

function verdict({ late, canceled, code, signal, text }) {
  if (late) return ["timeout", "timeout"];
  if (canceled) return ["error", "timeout"];
  if (signal || code !== 0) return ["error", "wait"];
  return replyIsSuccess(text) ? ["success", null] : ["error", "parse"];
}

// started: told the pid. cancel: an AbortSignal of who asked for the call, if any.
export function callTool(exe, root, job, started = () => {}, cancel = undefined) {
  const worker = `${root}/.compozy/bun_worker.ts`;
  const request = makeRequest(job);
  const start = performance.now();
  const child = spawn(exe, ["--smol", "run", "--allow-read", worker], { cwd: root, argv0: "bun" });
  const chunks = [];
  let late = false, canceled = false, outputBytes = 0, stderrBytes = 0;
  const onCancel = () => ((canceled = !late), child.kill("SIGKILL"));
  const timer = setTimeout(() => ((late = true), child.kill("SIGKILL")), job.timeout_ms ?? TIMEOUT_MS);
  cancel?.addEventListener("abort", onCancel);
  started(child.pid);
  child.stdout.on("data", (data) => {
    chunks.push(data);
    outputBytes += data.length;
  });
  child.stderr.on("data", (data) => (stderrBytes += data.length));
  child.stdin.on("error", () => {});
  child.stdin.end(request);
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      cancel?.removeEventListener("abort", onCancel);
      const text = Buffer.concat(chunks).toString();
      const [outcome, kind] = verdict({ late, canceled, code, signal, text });
      resolve({
        event: "run", run: 0, tool: job.tool, outcome, error_kind: kind, timed_out: late,
        pid: child.pid, input_bytes: Buffer.byteLength(request), output_bytes: outputBytes,
        output_ended: true, stderr_bytes: stderrBytes, waited: true, killed: late || canceled,
        ...(signal ? { signal: constants.signals[signal] } : { exit: code }),
        seconds_min: 0, seconds_max: seconds(start),
      });
    });
  });
}
