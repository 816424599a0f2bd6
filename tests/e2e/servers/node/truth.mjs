// SPDX-License-Identifier: Apache-2.0
// What perfect code inside the server would count: the same as the Go server's, see ../../README.md.

const seconds = (since) => (performance.now() - since) / 1000;

// All that happened, in the order in which it ended.
export class Book {
  inFlight = 0; // exchanges, and executions in the background
  exchanges = [];
  polls = [];
  runs = [];

  begin(kind, id, operation) {
    this.inFlight++;
    return { kind, operation, id, exec_id: "", outcome: "error", code: 0, begin: performance.now() };
  }

  // The handler has nothing more to do; the code is the status that it meant to send.
  end(exchange, code) {
    const { begin, ...entry } = exchange;
    const outcome = code < 300 ? "success" : code === 408 ? "timeout" : "error";
    this.inFlight--;
    this.exchanges.push({ ...entry, outcome, code, seconds: seconds(begin) });
  }

  // An execution that no exchange waits for.
  async background(work) {
    this.inFlight++;
    await work.finally(() => this.inFlight--);
  }

  async polled(execId, workflowId, loop) {
    const entry = { exec_id: execId, workflow_id: workflowId, polls: 0, outcome: "error" };
    const begin = performance.now();
    try {
      return await loop(entry);
    } finally {
      this.polls.push({ ...entry, seconds: seconds(begin) });
    }
  }

  ran(truth, requestExecId) {
    this.runs.push({ ...truth, request_exec_id: requestExecId });
  }

  forget() {
    this.exchanges = [];
    this.polls = [];
    this.runs = [];
  }

  toJSON() {
    return { in_flight: this.inFlight, exchanges: this.exchanges, polls: this.polls, runs: this.runs };
  }
}
