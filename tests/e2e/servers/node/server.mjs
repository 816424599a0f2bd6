// SPDX-License-Identifier: Apache-2.0
// A server with the routes of the first watched server, in Node, which runs real Bun tools and writes down the truth that
// code inside it would know. How to drive it: see ../../README.md.
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Handlers } from "./handlers.mjs";
import { Book } from "./truth.mjs";
import { Store } from "./workflow.mjs";

const { values: flags } = parseArgs({
  options: {
    exe: { type: "string" }, // the Bun to start
    root: { type: "string" }, // the project
    base: { type: "string", default: "/api/v0" },
    listen: { type: "string", default: "127.0.0.1:0" },
    "write-timeout": { type: "string", default: "15s" },
  },
});
const KINDS = { tasks: "task", agents: "agent", workflows: "workflow" };
const book = new Book();
const handlers = new Handlers({ exe: flags.exe, root: flags.root, store: new Store(), book });
const writeTimeoutMs = parseFloat(flags["write-timeout"]) * (flags["write-timeout"].endsWith("ms") ? 1 : 1000);

// {kind, id, operation} of a request on an execution route, or undefined.
function route(method, path) {
  if (!path.startsWith(flags.base + "/")) return undefined;
  const [first, second, third, ...rest] = path.slice(flags.base.length + 1).split("/");
  if (method === "GET" && first === "executions" && KINDS[second] && third && !rest.length)
    return { kind: KINDS[second], id: decodeURIComponent(third), operation: "status" };
  const operation = { "": "async", sync: "sync" }[rest.join("/")];
  if (method === "POST" && KINDS[first] && second && third === "executions" && operation)
    return { kind: KINDS[first], id: decodeURIComponent(second), operation };
  return undefined;
}

function respond(response, code, data) {
  const body = JSON.stringify(data);
  response.setHeader("Content-Type", "application/json");
  // Others get chunks; a client of HTTP/1.0 would have to wait for the connection's end.
  if (response.req.httpVersion === "1.0") response.setHeader("Content-Length", Buffer.byteLength(body));
  response.writeHead(code);
  response.end(body);
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function exchange(found, request, response) {
  const entry = book.begin(found.kind, found.id, found.operation);
  const gone = new AbortController();
  response.on("close", () => response.writableFinished || gone.abort());
  // A client that leaves within its request's body: there is nothing to execute.
  const text = await read(request).catch(() => undefined);
  const [code, data] = text === undefined ? [400, null] : await handlers.answer(entry, text, gone.signal);
  book.end(entry, code);
  // As Go's server: what would be written too late is not, and the connection is closed.
  if (performance.now() - entry.begin > writeTimeoutMs) response.destroy();
  else respond(response, code, { status: code, data });
}

async function serve(request, response) {
  const path = request.url.split("?")[0];
  const found = route(request.method, path);
  if (request.headers["x-deny"]) respond(response, Number(request.headers["x-deny"]), null);
  else if (request.method === "GET" && path === "/truth") respond(response, 200, book);
  else if (request.method === "DELETE" && path === "/truth") respond(response, 200, book.forget() ?? null);
  else if (found) await exchange(found, request, response);
  else respond(response, 404, null);
}

// Lives until its stdin ends, as the parents do; says first where it listens.
const [host, port] = flags.listen.split(":");
const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, serve);
server.listen(Number(port), host, () => {
  const address = `${host}:${server.address().port}`;
  process.stdout.write(JSON.stringify({ event: "listening", address }) + "\n");
});
process.stdin.resume().on("end", () => process.exit(0));
