// SPDX-License-Identifier: Apache-2.0
// The worker as the watched server writes it: one request on stdin, one reply on stdout, then the process ends
// when nothing keeps it alive. Its quirks are on purpose: see COMPOZY.md, "Response".
import tools from "../tools.ts";

type Request = {
  tool_id: string;
  tool_exec_id: string;
  input: unknown;
  timeout_ms?: number;
};

const DEFAULT_TIMEOUT_MS = 60_000;

function reply(value: unknown): void {
  process.stdout.write(JSON.stringify(value));
}

function failure(request: Partial<Request>, thrown: unknown): unknown {
  const error = thrown instanceof Error ? thrown : undefined;
  return {
    result: null,
    error: {
      message: error ? error.message : String(thrown),
      stack: error?.stack,
      name: error ? error.name : "UnknownError",
      tool_id: request.tool_id ?? "",
      tool_exec_id: request.tool_exec_id ?? "",
      timestamp: new Date().toISOString(),
    },
  };
}

// The timer is set before the tool is called and cleared only when its promise settles: a tool that throws
// synchronously rejects this promise at once and leaves the timer running.
function callTool(request: Request): Promise<unknown> {
  const tool = tools[request.tool_id];
  if (typeof tool !== "function") throw new Error(`Tool ${request.tool_id} not found`);
  const limit = request.timeout_ms || DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`timed out after ${limit} ms`)), limit);
    const settle = (finish: (value: any) => void) => (value: unknown) => {
      clearTimeout(timer);
      finish(value);
    };
    Promise.resolve(tool(request.input)).then(settle(resolve), settle(reject));
  });
}

async function readRequest(): Promise<Request> {
  let request: Request;
  try {
    request = JSON.parse((await Bun.stdin.text()).trim());
  } catch (thrown) {
    reply(failure({}, thrown));
    process.exit(1);
  }
  const id = request.tool_id;
  if (typeof id !== "string" || !/^[A-Za-z0-9_\/.-]+$/.test(id) || id.includes("..")) {
    reply(failure(request, new Error("invalid tool_id")));
    process.exit(1);
  }
  return request;
}

console.error(`[INFO] worker on bun ${Bun.version}`);
const request = await readRequest();
const started = Date.now();
try {
  const result = await callTool(request);
  const { tool_id, tool_exec_id } = request;
  reply({
    result,
    error: null,
    metadata: { tool_id, tool_exec_id, execution_time: Date.now() - started },
  });
} catch (thrown) {
  reply(failure(request, thrown));
}
