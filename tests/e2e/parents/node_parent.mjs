// SPDX-License-Identifier: Apache-2.0
// Runs tools in Bun children. Jobs on stdin and truth on stdout: see ../README.md.
import { createInterface } from "node:readline";
import { callTool } from "./node_call.mjs";

const [exe, root] = process.argv.slice(2);
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");
const run = (job) => callTool(exe, root, job, (pid) => print({ event: "start", tool: job.tool, pid }));

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  const runs = Array.from({ length: job.count ?? 1 }, () => job);
  while (runs.length) {
    const batch = runs.splice(0, job.concurrency ?? 1);
    for (const truth of await Promise.all(batch.map(run))) print(truth);
  }
  print({ event: "done" });
}
