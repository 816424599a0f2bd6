// SPDX-License-Identifier: Apache-2.0
// The tab of execution endpoints.
import { HeatMap, Tile, TimeChart } from "./charts.js";
import { byId } from "./dom.js";
import * as format from "./format.js";
import { rolling } from "./store.js";
import { bucketRows } from "./tools.js";

const SYNC = "http_exec_sync_latency_seconds";
const ERRORS = "http_exec_errors_total";
const STARTED = "http_exec_started_total";
const POLLS = "workflow_sync_poll_duration_seconds";
export const FAMILIES = [SYNC, ERRORS, STARTED, POLLS];
const KIND_COLORS = { task: "#4269d0", agent: "#3ca951", workflow: "#e08a00" };
const QUANTILES = [[0.5, [2, 4]], [0.95, undefined], [0.99, [8, 4]]];

let tiles;
let charts;

export function build() {
  const area = byId("execution-charts");
  const places = byId("execution-tiles");
  const names = ["Synchronous", "Errors", "Timeouts", "Asynchronous starts"];
  tiles = Object.fromEntries(names.map((name) => [name, new Tile(places, name)]));
  charts = {
    latency: new TimeChart(area, "Latency by kind", "synchronous executions, first byte to first byte: p50 dotted, p95, p99 dashed", { format: format.seconds }),
    started: new TimeChart(area, "Asynchronous starts", "executions a second answered 202", { format: format.rate, stacked: true }),
    errors: new HeatMap(area, "Errors by kind and code", "answers of 400 and above; none: no answer at all", { format: format.count }),
    polls: new HeatMap(area, "Poll time", "how long synchronous workflows were polled for", { format: format.count }),
  };
}

const ratesOf = (values, store) => rolling(values, store.window).map((sum, index) => (sum * 1000) / (store.stepMs * Math.min(index + 1, store.window)));
const last = (values) => values.at(-1) ?? NaN;

function setLatency(store) {
  const kinds = store.series(SYNC, ([kind]) => kind);
  const lines = Object.keys(KIND_COLORS).filter((kind) => kinds.has(kind)).flatMap((kind) => QUANTILES.map(([q, dash]) => ({
    label: `${kind} p${q * 100}`,
    color: KIND_COLORS[kind],
    dash,
    values: store.steps.map((_, step) => kinds.get(kind).quantile(q, Math.max(0, step - store.window + 1), step)),
  })));
  charts.latency.set(store.times, lines);
}

function setTiles(store, started) {
  const outcomes = store.series(SYNC, ([, outcome]) => outcome);
  const none = new Float64Array(store.steps.length);
  const [success, error, timeout] = ["success", "error", "timeout"].map((outcome) => outcomes.get(outcome)?.counts ?? none);
  const all = store.steps.map((_, index) => success[index] + error[index] + timeout[index]);
  const sums = rolling(all, store.window);
  const shareOf = (counts) => rolling(counts, store.window).map((sum, index) => (sums[index] ? sum / sums[index] : NaN));
  const total = (values) => `${format.count(values.reduce((sum, value) => sum + value, 0))} in 15 min`;
  const [errors, timeouts, rates, starts] = [shareOf(error), shareOf(timeout), ratesOf(all, store), ratesOf(started, store)];
  tiles.Synchronous.set(format.rate(last(rates)), total(all), { spark: rates });
  tiles.Errors.set(format.share(last(errors)), total(error), { bad: last(errors) > 0, spark: errors });
  tiles.Timeouts.set(format.share(last(timeouts)), total(timeout), { bad: last(timeouts) > 0, spark: timeouts });
  tiles["Asynchronous starts"].set(format.rate(last(starts)), total(started), { spark: starts });
}

export function update(store) {
  const kinds = store.series(STARTED, ([kind]) => kind);
  const errors = store.series(ERRORS, ([kind, code]) => `${kind} ${code}`);
  const started = store.steps.map((_, index) => [...kinds.values()].reduce((sum, { values }) => sum + values[index], 0));
  setTiles(store, started);
  setLatency(store);
  charts.started.set(store.times, [...kinds].map(([label, { values }]) => ({ label, color: KIND_COLORS[label] ?? "#9498a0", values: ratesOf(values, store) })));
  charts.errors.set(store.times, [...errors].map(([label, { values }]) => ({ label, values: [...values] })).sort((a, b) => a.label.localeCompare(b.label)));
  charts.polls.set(store.times, bucketRows(store, POLLS, format.seconds));
}
