// SPDX-License-Identifier: Apache-2.0
// The tab of runtime tools: tiles, charts, the table.
import { HeatMap, Tile, TimeChart } from "./charts.js";
import { byId, make, PALETTE } from "./dom.js";
import * as format from "./format.js";
import { rolling } from "./store.js";

const LINES_MAX = 8; // tools that a chart tells apart
const EXECUTE = "runtime_tool_execute_seconds";
export const OUTCOME_COLORS = { success: "#3ca951", error: "#e5533d", timeout: "#e0a000" };
const KIND_COLORS = { start: "#a463f2", stdin: "#2ba6a6", stdout: "#4269d0", stderr: "#9498a0", wait: "#e5533d", parse: "#e668a7", timeout: "#e0a000" };
const STATE_NAMES = { cpu: "on a CPU", runqueue: "waiting for a CPU", wait: "waiting for something else" };
const STATE_COLORS = { startup: "#4269d0", cpu: "#3ca951", runqueue: "#e5533d", wait: "#b5bac4" };

let tiles;
let charts;
let redrawTable;

export function build(again) {
  redrawTable = again;
  buildPager();
  const area = byId("tool-charts");
  const places = byId("tool-tiles");
  const names = ["Runs", "Errors", "Timeouts", "In flight", "Oldest run", "Zombies"];
  tiles = Object.fromEntries(names.map((name) => [name, new Tile(places, name)]));
  charts = {
    latency: new TimeChart(area, "Latency, p95 by tool", `fork to the end of output and process; the ${LINES_MAX} tools that took the most time`, { format: format.seconds }),
    errors: new TimeChart(area, "Errors by kind", "runs a second that did not succeed, by the step that failed", { format: format.rate, stacked: true }),
    outcomes: new TimeChart(area, "Runs by outcome", "runs a second", { format: format.rate, stacked: true }),
    time: new TimeChart(area, "Where the time goes", "mean of a run's main thread; all tools. After the startup in the proportions of its whole life", { format: format.seconds, stacked: true }),
    exits: new HeatMap(area, "Exit codes", "how Bun processes ended; all tools", { format: format.count }),
    output: new HeatMap(area, "Output size", "runs by the bytes of their stdout; all tools", { format: format.count }),
  };
}

const rateOf = (values, store) => rolling(values, store.window).map((sum, index) => (sum * 1000) / (store.stepMs * Math.min(index + 1, store.window)));
const ratio = (parts, wholes) => parts.map((part, index) => (wholes[index] ? part / wholes[index] : NaN));
const last = (values) => values.at(-1) ?? NaN;

function setLatency(store, wanted) {
  const seconds = store.totals(EXECUTE, ([tool]) => (wanted(tool) ? tool : undefined));
  const busiest = [...seconds].sort(([, a], [, b]) => b.sums[0] - a.sums[0]).slice(0, LINES_MAX).map(([tool]) => tool).sort();
  const chosen = new Set(busiest);
  const series = store.series(EXECUTE, ([tool]) => (chosen.has(tool) ? tool : undefined));
  charts.latency.set(store.times, busiest.map((tool, index) => ({
    label: tool,
    color: PALETTE[index],
    values: store.steps.map((_, step) => series.get(tool).quantile(0.95, Math.max(0, step - store.window + 1), step)),
  })));
}

function setOutcomes(store, wanted) {
  const runs = store.series(EXECUTE, ([tool, outcome]) => (wanted(tool) ? outcome : undefined));
  const none = new Float64Array(store.steps.length);
  const counts = (outcome) => runs.get(outcome)?.counts ?? none;
  const sums = Object.keys(OUTCOME_COLORS).map((outcome) => rolling(counts(outcome), store.window));
  const all = sums[0].map((_, index) => sums[0][index] + sums[1][index] + sums[2][index]);
  const [errors, timeouts] = [ratio(sums[1], all), ratio(sums[2], all)];
  const total = (outcome) => counts(outcome).reduce((sum, value) => sum + value, 0);
  const everything = total("success") + total("error") + total("timeout");
  const rates = rateOf(store.steps.map((_, i) => counts("success")[i] + counts("error")[i] + counts("timeout")[i]), store);
  tiles.Runs.set(format.rate(last(rates)), `${format.count(everything)} in 15 min`, { spark: rates });
  tiles.Errors.set(format.share(last(errors)), `${format.count(total("error"))} in 15 min`, { bad: last(errors) > 0, spark: errors });
  tiles.Timeouts.set(format.share(last(timeouts)), `${format.count(total("timeout"))} in 15 min`, { bad: last(timeouts) > 0, spark: timeouts });
  charts.outcomes.set(store.times, everything ? Object.entries(OUTCOME_COLORS).map(([label, color]) => ({ label, color, values: rateOf(counts(label), store) })) : []);
}

function setErrors(store, wanted) {
  const kinds = store.series("runtime_tool_errors_total", ([tool, kind]) => (wanted(tool) ? kind : undefined));
  const known = Object.keys(KIND_COLORS).filter((kind) => kinds.has(kind));
  charts.errors.set(store.times, known.map((label) => ({ label, color: KIND_COLORS[label], values: rateOf(kinds.get(label).values, store) })));
}

// Mean of a run. The main thread's life holds the startup; what is left of it is shared out as the whole is.
function setTime(store) {
  const startup = store.series("runtime_tool_startup_seconds", () => "all").get("all");
  const states = store.series("runtime_tool_main_thread_seconds_total", ([state]) => state);
  const execute = store.series(EXECUTE, () => "all").get("all");
  if (!states.size || !execute) return charts.time.set(store.times, []);
  const counts = rolling(execute.counts, store.window);
  const started = rolling(startup?.sums ?? execute.counts.map(() => 0), store.window);
  const lives = Object.keys(STATE_NAMES).map((state) => rolling(states.get(state)?.values ?? execute.counts.map(() => 0), store.window));
  const life = counts.map((_, index) => lives.reduce((sum, values) => sum + values[index], 0));
  const rest = life.map((whole, index) => (whole ? Math.max(0, 1 - started[index] / whole) : 0));
  const mean = (values, index) => (counts[index] ? values[index] / counts[index] : NaN);
  charts.time.set(store.times, [
    { label: "startup", color: STATE_COLORS.startup, values: counts.map((_, i) => Math.min(mean(started, i), mean(life, i))) },
    ...Object.entries(STATE_NAMES).map(([state, label], at) => ({ label, color: STATE_COLORS[state], values: counts.map((_, i) => mean(lives[at], i) * rest[i]) })),
  ]);
}

function setExits(store) {
  const exits = store.series("runtime_bun_process_exits_total", ([status, code, signal]) => (status === "exit" ? `exit ${code}` : signal));
  const order = (label) => (label.startsWith("exit ") ? Number(label.slice(5)) : 1000);
  const rows = [...exits].map(([label, { values }]) => ({ label, values: [...values] }));
  charts.exits.set(store.times, rows.sort((a, b) => order(a.label) - order(b.label) || a.label.localeCompare(b.label)));
}

// One row a bucket, the largest on top; buckets beyond all samples are left out.
export function bucketRows(store, name, formatBound) {
  const histogram = store.series(name, () => "all").get("all");
  if (!histogram) return [];
  const rows = Array.from({ length: histogram.width }, (_, bucket) => ({
    label: bucket < histogram.bounds.length ? `≤ ${format.short(formatBound(histogram.bounds[bucket]))}` : `> ${format.short(formatBound(histogram.bounds.at(-1)))}`,
    values: store.steps.map((_, step) => histogram.buckets[step * histogram.width + bucket]),
  }));
  const used = rows.map(({ values }) => values.some(Boolean));
  return rows.slice(Math.max(0, used.indexOf(true) - 1), used.lastIndexOf(true) + 1).reverse();
}

function setNow(store) {
  const flights = store.series("runtime_tool_runs_in_flight", () => "all").get("all");
  const inFlight = store.sum("runtime_tool_runs_in_flight");
  tiles["In flight"].set(format.count(inFlight), "now", { spark: flights ? [...flights.values] : null });
  const oldest = store.value("runtime_tool_oldest_run_seconds");
  tiles["Oldest run"].set(inFlight ? format.age(oldest) : format.none, inFlight ? "under way" : "none under way", { bad: oldest > 600 });
  const zombies = store.value("runtime_bun_unreaped");
  tiles.Zombies.set(format.count(zombies), zombies ? "their server does not wait" : "none");
}

export function update(store, filter) {
  const wanted = (tool) => tool.toLowerCase().includes(filter);
  setLatency(store, wanted);
  setErrors(store, wanted);
  setOutcomes(store, wanted);
  setTime(store);
  setExits(store);
  charts.output.set(store.times, bucketRows(store, "runtime_tool_output_bytes", format.bytes));
  setNow(store);
}

// ---- the table ----

const PAGE = 50;
const COLUMNS = [
  { key: "tool", title: "Tool", text: (value) => value },
  { key: "runs", title: "Runs", text: format.count },
  { key: "inFlight", title: "In flight", text: format.count },
  { key: "errors", title: "Errors", text: format.count, className: "bad" },
  { key: "timeouts", title: "Timeouts", text: format.count, className: "warn" },
  { key: "p50", title: "p50", text: format.seconds },
  { key: "p95", title: "p95", text: format.seconds },
  { key: "p99", title: "p99", text: format.seconds },
  { key: "cpu", title: "CPU a run", text: format.seconds },
  { key: "memory", title: "Memory a run", text: format.bytes },
];
const order = { key: "runs", down: true, page: 0, pages: 1 };
const pager = {};

function tableRows(store, filter) {
  const tools = new Map();
  const row = (tool) => {
    if (!tools.has(tool)) tools.set(tool, { tool, runs: 0, inFlight: 0, errors: 0, timeouts: 0, p50: NaN, p95: NaN, p99: NaN, cpu: NaN, memory: NaN });
    return tools.get(tool);
  };
  for (const [tool, seconds] of store.totals(EXECUTE, ([tool]) => tool)) {
    const runs = seconds.counts[0];
    Object.assign(row(tool), { runs, p50: seconds.quantile(0.5), p95: seconds.quantile(0.95), p99: seconds.quantile(0.99) });
  }
  store.visit(EXECUTE, (_, [tool, outcome], entry) => {
    for (let i = 3; outcome !== "success" && i < entry.length; i += 2) row(tool)[outcome === "error" ? "errors" : "timeouts"] += entry[i];
  });
  for (const [tool, { sums }] of store.totals("runtime_tool_cpu_seconds", ([tool]) => tool)) row(tool).cpu = sums[0] / row(tool).runs;
  for (const [tool, { sums }] of store.totals("runtime_tool_max_rss_bytes", ([tool]) => tool)) row(tool).memory = sums[0] / row(tool).runs;
  // One for each pod of a tool, where the agent was asked for such labels.
  for (const series of store.now.get("runtime_tool_runs_in_flight") ?? []) if (series.at(-1)) row(series[0]).inFlight += series.at(-1);
  return [...tools.values()].filter(({ tool }) => tool.toLowerCase().includes(filter));
}

// What has no number stands last, whichever way the others are sorted.
function compare(a, b) {
  const [x, y] = [a[order.key], b[order.key]];
  if (typeof x === "string") return (order.down ? -1 : 1) * x.localeCompare(y);
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
  return (order.down ? y - x : x - y) || a.tool.localeCompare(b.tool);
}

export function firstPage() {
  order.page = 0;
}

function sortBy(key) {
  order.down = order.key === key ? !order.down : key !== "tool";
  order.key = key;
  order.page = 0;
  redrawTable();
}

function headOf() {
  return make("tr", {}, ...COLUMNS.map(({ key, title }) => {
    const button = make("button", { type: "button", onclick: () => sortBy(key) }, title);
    return make("th", { scope: "col", ...(order.key === key ? { "aria-sort": order.down ? "descending" : "ascending" } : {}) }, button);
  }));
}

function rowOf(row) {
  return make("tr", {}, ...COLUMNS.map(({ key, text, className }, index) => {
    if (index === 0) return make("th", { scope: "row", title: row.tool }, row.tool);
    const cell = make("td", {}, text(row[key]));
    cell.dataset.key = key;
    cell.dataset.value = row[key];
    if (row[key] === 0) cell.className = "zero";
    else if (className) cell.className = className;
    return cell;
  }));
}

export function updateTable(store, filter) {
  const rows = tableRows(store, filter).sort(compare);
  order.pages = Math.max(1, Math.ceil(rows.length / PAGE));
  order.page = Math.min(order.page, order.pages - 1);
  const shown = rows.slice(order.page * PAGE, (order.page + 1) * PAGE);
  const table = byId("table");
  const focused = table.contains(document.activeElement) ? document.activeElement.textContent : null;
  table.replaceChildren(make("thead", {}, headOf()), make("tbody", {}, ...shown.map(rowOf)));
  if (focused) [...table.querySelectorAll("button")].find(({ textContent }) => textContent === focused)?.focus();
  updatePager(rows.length);
}

function turnPage(by) {
  const page = order.page + by;
  if (page < 0 || page >= order.pages) return;
  order.page = page;
  redrawTable();
}

// Built once, and never disabled: what is made anew or disabled loses the keyboard's focus.
function buildPager() {
  const button = (text, by) => make("button", { type: "button", onclick: () => turnPage(by) }, text);
  const note = () => make("span", { className: "note" });
  Object.assign(pager, { previous: button("Previous", -1), next: button("Next", 1), place: note(), count: note() });
  byId("pager").append(...Object.values(pager));
}

function updatePager(count) {
  for (const part of [pager.previous, pager.next, pager.place]) part.hidden = order.pages === 1;
  pager.previous.setAttribute("aria-disabled", order.page === 0);
  pager.next.setAttribute("aria-disabled", order.page === order.pages - 1);
  pager.place.textContent = `page ${order.page + 1} of ${order.pages}`;
  pager.count.textContent = count ? `${format.count(count)} ${count === 1 ? "tool" : "tools"} in the last 15 minutes` : "No tool has that in its id.";
}
