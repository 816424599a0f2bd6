// SPDX-License-Identifier: Apache-2.0
// The state of workflow executions, and the loop that polls it: with the schedule of the Go server's.
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_NS = 200e6;
const MAX_NS = 5e9;

export class StoreError extends Error {}

export class Store {
  #states = new Map();
  #faults = new Map();

  put(state) {
    this.#states.set(state.exec_id, state);
  }

  // The fetch of that number, from 1, fails.
  failAt(execId, at, error) {
    this.#faults.set(execId, { at, error, fetches: 0 });
  }

  // undefined: there is none.
  get(execId) {
    const fault = this.#faults.get(execId);
    if (fault && ++fault.fetches === fault.at && fault.error) throw fault.error;
    return fault && fault.fetches === fault.at ? undefined : this.#states.get(execId);
  }
}

// Up to a tenth more or less, from the execution id and the number of the poll.
function jitter(base, execId, attempt) {
  const span = Math.floor(base / 10);
  let hash = 5381;
  for (const letter of Buffer.from(`${execId}+${attempt}`)) hash = (hash * 33 + letter) % (2 * span + 1);
  return base + hash - span;
}

// The last state, or undefined at the deadline and when the client has gone. What it did goes into the entry of the book.
export async function waitForCompletion(store, execId, timeoutMs, clientGone, entry) {
  const ended = AbortSignal.any([clientGone, AbortSignal.timeout(timeoutMs)]);
  let interval = FIRST_NS;
  while (!ended.aborted) {
    entry.polls++;
    const state = store.get(execId);
    if (state && state.status !== "RUNNING") {
      entry.outcome = "completed";
      return state;
    }
    const wait = jitter(interval, execId, entry.polls - 1) / 1e6;
    interval = Math.min(2 * interval, MAX_NS);
    await sleep(wait, undefined, { signal: ended }).catch(() => {});
  }
  entry.outcome = "timeout";
  return undefined;
}
