// SPDX-License-Identifier: Apache-2.0
// The last runs, each with its timeline.
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { OUTCOME_COLORS } from "./tools.js";
import { traceOf } from "./trace.js";

// The marks of a track, which begins with the fork.
const STEPS = {
  exec: ["exec", "#a463f2"],
  first_read: ["first read of the request", "#4269d0"],
  first_byte: ["first byte of output", "#3ca951"],
  eof: ["end of output", "#2ba6a6"],
  signal: ["signal", "#e5533d"],
  exit: ["exit", "#5c6472"],
};
const SHOWN = 25;
const known = new Map(); // a run's key -> its element
let all = false;
let more; // the button: one made anew would lose the focus

export function build(again) {
  byId("legend").append(make("li", {}, "fork: the left end"), ...Object.values(STEPS).map(([name, color]) => {
    const swatch = make("i", { className: "swatch" });
    swatch.style.background = color;
    return make("li", {}, swatch, name);
  }));
  byId("failed").addEventListener("change", again);
  more = make("button", { type: "button", className: "plain", onclick: () => showAll(again) });
}

// The button goes; who pressed it is at the first of those that came.
function showAll(again) {
  const shown = byId("runs").children.length - 1;
  all = true;
  again();
  byId("runs").children[shown]?.querySelector("summary").focus();
}

function endOf(run) {
  if (run.signal) return `${run.signal} by ${run.sender}`;
  return "exit_code" in run ? `exit ${run.exit_code}` : "never ran";
}

function trackOf(run) {
  const track = make("span", { className: "track", "aria-hidden": "true" });
  const whole = Math.max(run.seconds, ...Object.values(run.timeline)) || 1;
  const fill = make("i");
  fill.style.cssText = `left:0;width:100%;opacity:.28;background:${OUTCOME_COLORS[run.outcome]}`;
  track.append(fill);
  for (const [name, [, color]] of Object.entries(STEPS)) {
    if (!(name in run.timeline)) continue;
    const mark = make("i", { className: "mark" });
    mark.style.left = `clamp(1.5px, ${(run.timeline[name] / whole) * 100}%, 100% - 1.5px)`;
    mark.style.background = color;
    track.append(mark);
  }
  return track;
}

function detailsOf(run) {
  const steps = Object.entries(STEPS).filter(([name]) => name in run.timeline).sort(([a], [b]) => run.timeline[a] - run.timeline[b]).map(([name, [title]]) => [
    name === "signal" ? `${run.signal} by ${run.sender}` : title, `+${format.seconds(run.timeline[name])}`, run.timeline[name],
  ]);
  const facts = [
    ["fork", format.clock(run.started), 0],
    ...steps,
    ["error", run.error_kinds.join(", ") || "none"],
    ["CPU", format.seconds(run.cpu_seconds)],
    ["main thread waited", format.seconds(run.main_thread_wait_seconds)],
    ["waited for a CPU", format.seconds(run.main_thread_runqueue_seconds)],
    ["memory", format.bytes(run.max_rss_bytes)],
    ["request", format.bytes(run.input_bytes)],
    ["output", "output_bytes" in run ? format.bytes(run.output_bytes) : "no end seen"],
    ["stderr", format.bytes(run.stderr_bytes)],
    ["deadline", run.timeout_ms ? format.seconds(run.timeout_ms / 1000) : "not in the request"],
    ["execution id", run.tool_exec_id || format.none],
  ];
  return make("dl", {}, ...facts.map(([name, text, value]) => {
    const fact = make("dd", {}, text);
    if (value !== undefined) fact.dataset.value = value;
    return make("div", {}, make("dt", {}, name), fact);
  }));
}

// Its trace is asked for again each time: the exchange that caused a run ends after it.
async function open(element, run) {
  if (element.children.length < 2) element.append(detailsOf(run));
  element.ariaBusy = "true";
  const trace = await traceOf(run);
  element.querySelector(".trace")?.remove();
  element.append(...trace);
  element.ariaBusy = "false";
}

function elementOf(run) {
  const colors = { success: "good", error: "bad", timeout: "warn" };
  const cell = (className, text) => make("span", { className, title: text }, text);
  const summary = make("summary", {}, cell("when", format.clock(run.started)), cell("tool", run.tool_id),
    cell(colors[run.outcome], run.outcome), cell("end", endOf(run)), cell("took", format.seconds(run.seconds)), trackOf(run));
  const element = make("details", { className: "run" }, summary);
  element.addEventListener("toggle", () => element.open && open(element, run));
  return element;
}

export function update(runs, filter) {
  const failed = byId("failed").checked;
  const wanted = runs.filter(({ tool_id, outcome }) => tool_id.toLowerCase().includes(filter) && !(failed && outcome === "success")).reverse();
  const shown = wanted.slice(0, all ? wanted.length : SHOWN);
  const kept = new Set();
  const elements = shown.map((run) => {
    const key = `${run.started} ${run.tool_exec_id} ${run.tool_id}`;
    kept.add(key);
    if (!known.has(key)) known.set(key, elementOf(run));
    return known.get(key);
  });
  for (const key of known.keys()) if (!kept.has(key)) known.delete(key);
  const rest = wanted.length - shown.length;
  more.textContent = `Show ${rest} more`;
  const nothing = make("p", { className: "note" }, failed && runs.length ? "None of the last runs failed." : "No run yet.");
  reconcile(byId("runs"), [...elements, ...(rest ? [more] : []), ...(elements.length ? [] : [nothing])]);
}

// Elements that stay are not taken out: they would lose the focus.
function reconcile(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((element, index) => parent.children[index] !== element && parent.insertBefore(element, parent.children[index] ?? null));
}
