// SPDX-License-Identifier: Apache-2.0
// The trace that a run belongs to: the exchange that caused it, and what else that caused, each as a bar in time.
import { make } from "./dom.js";
import * as format from "./format.js";

const CLOCK_SECONDS = 1; // by which two readings of a start may differ: the wall clock is stepped

// None where the agent does not answer: the page says so already.
async function spans() {
  const response = await fetch("api/spans", { cache: "no-store" }).catch(() => null);
  return response?.ok ? (await response.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line)) : [];
}

const isOf = (run) => ({ name, about, tool_exec_id, started }) =>
  name === "runtime.execute_tool" && about === run.tool_id && tool_exec_id === (run.tool_exec_id ?? "") && Math.abs(started - run.started) < CLOCK_SECONDS;

// Parents before their children, those in the order in which they began.
function inOrder(trace) {
  const ids = new Set(trace.map(({ span }) => span));
  const below = (parent, depth) => trace.filter((span) => (parent ? span.parent === parent : !ids.has(span.parent)))
    .sort((a, b) => a.started - b.started).flatMap((span) => [{ ...span, depth }, ...below(span.span, depth + 1)]);
  return below("", 0);
}

function rowOf(span, begin, whole, own) {
  const place = (seconds) => `${(seconds / whole) * 100}%`;
  const bar = make("i", { className: span.failed ? "bar-bad" : "bar-good" });
  bar.style.left = place(span.started - begin);
  bar.style.width = `max(2px, ${place(span.seconds)})`;
  const marks = span.events.map(([name, seconds]) => {
    const mark = make("i", { className: "mark", title: `${name} +${format.seconds(seconds)}` });
    mark.style.left = place(span.started - begin + seconds);
    return mark;
  });
  const name = make("span", { className: "span-name" }, span.name, make("b", {}, ` ${span.about}`));
  name.style.paddingLeft = `${span.depth * 14}px`;
  const times = `+${format.seconds(span.started - begin)}, ${format.seconds(span.seconds)}`;
  const row = make("li", { className: span.span === own ? "own" : "" }, name, make("span", { className: "span-times" }, times),
    make("span", { className: "track", "aria-hidden": "true" }, bar, ...marks));
  Object.assign(row.dataset, { span: span.span, parent: span.parent, begin: span.started - begin, seconds: span.seconds });
  return row;
}

// Nothing where no spans are made, or this one is too old or was left out.
export async function traceOf(run) {
  const all = await spans();
  const own = all.find(isOf(run));
  if (!own) return [];
  const trace = inOrder(all.filter((span) => span.trace === own.trace));
  const begin = Math.min(...trace.map(({ started }) => started));
  const whole = Math.max(...trace.map(({ started, seconds }) => started + seconds)) - begin || 1;
  return [make("section", { className: "trace" }, make("h3", {}, "Trace ", make("code", {}, own.trace)),
    make("ol", {}, ...trace.map((span) => rowOf(span, begin, whole, own.span))))];
}
