// SPDX-License-Identifier: Apache-2.0
// Runs tools in Bun children with Bun.spawn. Jobs on stdin and truth on stdout: see ../README.md.
// A job with "stdin": "blob" hands the request over as a Blob, which Bun turns into a memfd.
const [exe, root] = process.argv.slice(2);
const print = (line: unknown) => process.stdout.write(JSON.stringify(line) + "\n");

type Job = {
  tool: string;
  input?: unknown;
  input_pad_bytes?: number;
  timeout_ms?: number;
  stdin?: "pipe" | "blob";
  count?: number;
  concurrency?: number;
};

function makeRequest(job: Job): string {
  const input = job.input_pad_bytes ? { pad: "p".repeat(job.input_pad_bytes) } : job.input ?? {};
  const request = { tool_id: job.tool, tool_exec_id: "34fQ0bZk1xYvT7mN2cR8sL5pWdA", input };
  return JSON.stringify({ ...request, config: null, env: {}, timeout_ms: job.timeout_ms ?? 60000 });
}

function replyIsSuccess(text: string): boolean {
  if (!text.trim()) return true;
  try {
    const reply = JSON.parse(text);
    return reply === null || (!Array.isArray(reply) && typeof reply === "object" && reply.error == null);
  } catch {
    return false;
  }
}

async function run(job: Job): Promise<unknown> {
  const request = makeRequest(job);
  let late = false;
  const start = performance.now();
  const child = Bun.spawn({
    cmd: [exe, "--smol", "run", "--allow-read", `${root}/.compozy/bun_worker.ts`],
    cwd: root,
    stdin: job.stdin === "blob" ? new Blob([request]) : "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = setTimeout(() => ((late = true), child.kill("SIGKILL")), job.timeout_ms ?? 60000);
  print({ event: "start", tool: job.tool, pid: child.pid });
  if (job.stdin !== "blob") {
    child.stdin!.write(request);
    child.stdin!.end();
  }
  const stderr = new Response(child.stderr).arrayBuffer();
  const output = Buffer.from(await new Response(child.stdout).arrayBuffer());
  const stderrBytes = (await stderr).byteLength;
  await child.exited;
  clearTimeout(timer);
  const failed = child.signalCode !== null || child.exitCode !== 0;
  const success = !failed && replyIsSuccess(output.toString());
  const kind = late ? "timeout" : failed ? "wait" : success ? null : "parse";
  const { signals } = require("node:os").constants;
  return {
    event: "run", run: 0, tool: job.tool, outcome: late ? "timeout" : kind ? "error" : "success",
    error_kind: kind, timed_out: late, pid: child.pid, input_bytes: Buffer.byteLength(request),
    output_bytes: output.length, output_ended: true, stderr_bytes: stderrBytes, waited: true,
    killed: late,
    ...(child.signalCode ? { signal: signals[child.signalCode] } : { exit: child.exitCode }),
    seconds_min: 0, seconds_max: (performance.now() - start) / 1000,
  };
}

for await (const line of console) {
  if (!line) continue; // Bun's console ends with one
  const job = JSON.parse(line) as Job;
  const runs = Array.from({ length: job.count ?? 1 }, () => job);
  while (runs.length) {
    const batch = runs.splice(0, job.concurrency ?? 1);
    for (const truth of await Promise.all(batch.map(run))) print(truth);
  }
  print({ event: "done" });
}
