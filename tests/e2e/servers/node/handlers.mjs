// SPDX-License-Identifier: Apache-2.0
// What the routes do: the same as the Go server's, see ../../README.md.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { callTool } from "../../parents/node_call.mjs";
import { StoreError, waitForCompletion } from "./workflow.mjs";

const TIMEOUT_SECONDS = 60;
const TIMEOUT_SECONDS_MAX = 300;
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// Ids that stand for what is wrong with them.
const FAULTS = { missing: 404, broken: 500, unavailable: 503 };

const makeExecId = () => Array.from(randomBytes(27), (byte) => DIGITS[byte % DIGITS.length]).join("");

class Refusal extends Error {
  constructor(code) {
    super("refused");
    this.code = code;
  }
}

function parse(text, id) {
  let body;
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    throw new Refusal(400);
  }
  const timeout = body.timeout || TIMEOUT_SECONDS;
  if (timeout < 0 || timeout > TIMEOUT_SECONDS_MAX) throw new Refusal(400);
  if (FAULTS[id]) throw new Refusal(FAULTS[id]);
  return { input: {}, tools: [id], ...body, timeout_ms: timeout * 1000 };
}

export class Handlers {
  constructor({ exe, root, store, book }) {
    Object.assign(this, { exe, root, store, book });
  }

  // One after the other; the first that fails ends it: its outcome.
  async runTools(tools, body, execId, clientGone) {
    for (const tool of tools) {
      if (clientGone?.aborted) return "error";
      const job = { tool, exec_id: makeExecId(), input: body.with, timeout_ms: body.timeout_ms };
      const truth = await callTool(this.exe, this.root, job, undefined, clientGone);
      this.book.ran(truth, execId);
      if (truth.outcome !== "success") return truth.outcome;
    }
    return "success";
  }

  async runWorkflow(body, state) {
    const plot = body.input;
    const outcome = await this.runTools(plot.tools ?? [], { ...body, with: plot.with }, state.exec_id);
    await sleep(plot.ms ?? 0);
    this.store.put({ ...state, status: outcome === "success" ? plot.status ?? "SUCCESS" : "FAILED" });
  }

  // Starts a workflow, as its own runner in the background does.
  trigger(id, body) {
    const state = { exec_id: makeExecId(), workflow_id: id, status: "RUNNING" };
    if (body.input.store_error_at) this.store.failAt(state.exec_id, body.input.store_error_at, new StoreError("broken"));
    if (body.input.not_found_at) this.store.failAt(state.exec_id, body.input.not_found_at);
    this.store.put(state);
    this.book.background(this.runWorkflow(body, state));
    return state.exec_id;
  }

  // Each of these: the status and the data of an exchange's answer.

  async async(exchange, text) {
    const body = parse(text, exchange.id);
    if (exchange.kind === "workflow") {
      exchange.exec_id = this.trigger(exchange.id, body);
    } else {
      exchange.exec_id = makeExecId();
      this.book.background(this.runTools(body.tools, body, exchange.exec_id));
    }
    return [202, { exec_id: exchange.exec_id }];
  }

  async sync(exchange, text, clientGone) {
    const body = parse(text, exchange.id);
    if (exchange.kind === "workflow") return this.syncWorkflow(exchange, body, clientGone);
    exchange.exec_id = makeExecId();
    const outcome = await this.runTools(body.tools, body, exchange.exec_id, clientGone);
    return [{ success: 200, timeout: 408, error: 500 }[outcome], { exec_id: exchange.exec_id }];
  }

  async syncWorkflow(exchange, body, clientGone) {
    const execId = (exchange.exec_id = this.trigger(exchange.id, body));
    try {
      const workflow = await this.book.polled(execId, exchange.id, (entry) =>
        waitForCompletion(this.store, execId, body.timeout_ms, clientGone, entry));
      return [workflow ? 200 : 408, { exec_id: execId, workflow }];
    } catch (error) {
      if (error instanceof StoreError) return [500, { exec_id: execId }];
      throw error;
    }
  }

  // Only workflows have a state here.
  async status(exchange) {
    exchange.exec_id = exchange.id;
    const state = this.store.get(exchange.id);
    return [state ? 200 : 404, state ?? null];
  }

  async answer(exchange, text, clientGone) {
    try {
      return await this[exchange.operation](exchange, text, clientGone);
    } catch (error) {
      if (error instanceof Refusal) return [error.code, null];
      throw error;
    }
  }
}
