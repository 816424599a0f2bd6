// SPDX-License-Identifier: Apache-2.0
// Runs tools in Bun children with child_process.spawn. Jobs on stdin and truth on stdout: see ../README.md.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";

const [exe, root] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const seconds = (since) => (performance.now() - since) / 1000;

function makeRequest(job) {
  const input = job.input_pad_bytes ? { pad: "p".repeat(job.input_pad_bytes) } : job.input ?? {};
  const request = { tool_id: job.tool, tool_exec_id: "34fQ0bZk1xYvT7mN2cR8sL5pWdA", input };
  return JSON.stringify({ ...request, config: null, env: {}, timeout_ms: job.timeout_ms ?? 60000 });
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

function verdict({ late, code, signal, text }) {
  if (late) return ["timeout", "timeout"];
  if (signal || code !== 0) return ["error", "wait"];
  return replyIsSuccess(text) ? ["success", null] : ["error", "parse"];
}

function run(job) {
  const worker = `${root}/.compozy/bun_worker.ts`;
  const request = makeRequest(job);
  const start = performance.now();
  const child = spawn(exe, ["--smol", "run", "--allow-read", worker], { cwd: root, argv0: "bun" });
  const chunks = [];
  let late = false, outputBytes = 0, stderrBytes = 0;
  const timer = setTimeout(() => ((late = true), child.kill("SIGKILL")), job.timeout_ms ?? 60000);
  print({ event: "start", tool: job.tool, pid: child.pid });
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
      const text = Buffer.concat(chunks).toString();
      const [outcome, kind] = verdict({ late, code, signal, text });
      resolve({
        event: "run", run: 0, tool: job.tool, outcome, error_kind: kind, timed_out: late,
        pid: child.pid, input_bytes: Buffer.byteLength(request), output_bytes: outputBytes,
        output_ended: true, stderr_bytes: stderrBytes, waited: true, killed: late,
        ...(signal ? { signal: constants.signals[signal] } : { exit: code }),
        seconds_min: 0, seconds_max: seconds(start),
      });
    });
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const runs = Array.from({ length: job.count ?? 1 }, () => job);
  while (runs.length) {
    const batch = runs.splice(0, job.concurrency ?? 1);
    for (const truth of await Promise.all(batch.map(run))) print(truth);
  }
  print({ event: "done" });
}
