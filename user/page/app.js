// SPDX-License-Identifier: Apache-2.0
// The live page: asks the agent every few seconds and shows what it says. Nothing else is asked.
import { redrawAll, Tile } from "./charts.js";
import { byId, make } from "./dom.js";
import * as executions from "./executions.js";
import * as format from "./format.js";
import * as runs from "./runs.js";
import { Store } from "./store.js";
import * as tools from "./tools.js";

const PAUSE_MS = 5000;
const STALE_MS = 3 * PAUSE_MS;

const store = new Store();
let lastRuns = [];
let answered = Date.now();
const agentTiles = {};

// ---- asking ----

async function get(path) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PAUSE_MS * 2), cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function ask() {
  const live = await (await get(`api/live?${store.query}`)).json();
  if (!store.apply(live)) return ask();
  const text = await (await get("api/runs")).text();
  lastRuns = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  answered = Date.now();
}

function status(text, className = "") {
  byId("status").textContent = text;
  byId("status").className = `pill ${className}`;
}

async function turn() {
  if (!document.hidden) {
    try {
      await ask();
      draw();
      if (store.value("bunscope_up") === 1) status("live", "good");
      else status("a required probe is missing", "bad");
    } catch (error) {
      if (error instanceof TypeError || error.name === "TimeoutError" || /^api/.test(error.message))
        status(Date.now() - answered > STALE_MS ? `no answer for ${format.age((Date.now() - answered) / 1000)}` : "asking again…", "bad");
      else throw error;
    }
  }
}

async function turns() {
  await turn();
  setTimeout(turns, PAUSE_MS);
}

// ---- drawing ----

const filter = () => byId("filter").value.trim().toLowerCase();

function drawTable() {
  tools.updateTable(store, filter());
}

function draw() {
  const ran = store.has("runtime_tool_execute_seconds");
  const busy = ran || store.sum("runtime_tool_runs_in_flight") > 0 || lastRuns.length > 0;
  const executed = executions.FAMILIES.some((name) => store.has(name));
  byId("tools-live").hidden = !busy;
  byId("tools-empty").hidden = busy;
  byId("executions-live").hidden = !executed;
  byId("executions-empty").hidden = executed;
  drawAgent();
  if (!busy) emptyTools();
  if (!executed) emptyExecutions();
  if (busy && !byId("tools").hidden) {
    tools.update(store, filter());
    drawTable();
    runs.update(lastRuns, filter());
  }
  if (executed && !byId("executions").hidden) executions.update(store);
}

const words = (...parts) => parts.map((part, index) => (index % 2 ? make("code", {}, part) : part));

function fillEmpty(id, title, intro, steps) {
  if (byId(id).children.length) return;
  byId(id).append(make("h2", {}, title), make("p", {}, intro), make("ol", {}, ...steps.map((parts) => make("li", {}, ...words(...parts)))));
}

function emptyTools() {
  fillEmpty("tools-empty", "No tool has run yet", "The agent is attached and waits for Bun processes that serve a tool's request. They appear here a few seconds after they have ended.", [
    ["Just trying it out? ", "sudo make run", " in the repository starts real Bun tools and keeps them coming."],
    ["A run is a Bun process whose request on stdin has a ", "tool_id", ", or whose script matches ", "--worker", " (default ", "*/bun_worker.ts", ")."],
    ["Other scripts are runs with ", "--track=all", "; other names of Bun's executable are given with ", "--bun.exe", "."],
    ["Nothing although tools run? ", "bunscope doctor", " says what this kernel and these privileges allow; the probes are listed below."],
  ]);
}

function emptyExecutions() {
  fillEmpty("executions-empty", "No execution endpoint was called", "This view shows what the server answers on its execution routes: tasks, agents and workflows, synchronous and asynchronous.", [
    ["Call one, for instance ", "POST /api/v0/tasks/ID/executions/sync", " on the server: it appears here within seconds."],
    ["The server must be on this node and speak plain HTTP. It is found when it starts its first Bun, or by ", "--server.port", " and ", "--server.exe", "."],
    ["Still nothing? The probes of the family ", "server", " below must be attached; ", "bunscope doctor", " says why they are not."],
  ]);
}

function drawAgent() {
  const tile = (name, value, more, options) => (agentTiles[name] ??= new Tile(byId("agent-tiles"), name)).set(value, more, options);
  const probes = store.now.get("bunscope_probe_info") ?? [];
  const wanted = probes.filter(([, , , state]) => state !== "off");
  const good = wanted.filter(([, , , state]) => state !== "failed").length;
  const lost = store.sum("bunscope_runs_lost_total");
  const uptime = store.time / 1000 - store.value("process_start_time_seconds");
  const full = Math.max(0, ...(store.now.get("bunscope_map_entries") ?? []).map(([map, entries]) => entries / store.value("bunscope_map_capacity", map)));
  const [version, revision] = (store.now.get("bunscope_build_info") ?? [])[0] ?? ["", ""];
  const overflow = store.sum("bunscope_series_overflow_total");
  tile("Probes", `${good} of ${wanted.length}`, "attached", { bad: store.value("bunscope_up") !== 1 });
  tile("Bun processes seen", format.count(store.value("bunscope_runs_started_total")), "tools and others");
  tile("Lost", format.count(lost), lost ? "in no other number" : "none", { bad: lost > 0 });
  tile("Label overflow", format.count(overflow), overflow ? "runs under _other" : "none", { bad: overflow > 0 });
  tile("Fullest map", format.share(full), "of its entries", { bad: full > 0.8 });
  tile("Memory", format.bytes(store.value("process_resident_memory_bytes")), "resident");
  tile("CPU", format.seconds(store.value("process_cpu_seconds_total")), "since it started");
  tile("Running for", format.age(Math.max(0, uptime)), "");
  byId("version").textContent = `bunscope ${version}, revision ${revision}`;
  const rank = { attached: "good", fallback: "warn", failed: "bad" };
  byId("probes").replaceChildren(
    make("thead", {}, make("tr", {}, ...["Probe", "By", "State"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...probes.map(([family, hook, flavour, state]) => make("tr", {}, make("td", {}, `${family}/${hook}`), make("td", {}, flavour || format.none), make("td", { className: rank[state] ?? "" }, state)))),
  );
}

// ---- tabs, theme, keys ----

const TABS = ["tools", "executions"];

function show(name) {
  for (const tab of TABS) {
    const chosen = tab === name;
    byId(tab).hidden = !chosen;
    byId(`tab-${tab}`).setAttribute("aria-selected", chosen);
    byId(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
  }
  if (store.agent !== null) draw();
}

function wire() {
  for (const [index, tab] of TABS.entries()) {
    const button = byId(`tab-${tab}`);
    button.addEventListener("click", () => (history.replaceState(null, "", `#${tab}`), show(tab)));
    button.addEventListener("keydown", ({ key }) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (!step) return;
      const next = byId(`tab-${TABS[(index + step + TABS.length) % TABS.length]}`);
      next.focus();
      next.click();
    });
  }
  byId("theme").addEventListener("click", () => {
    const dark = (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("theme", document.documentElement.dataset.theme);
    } catch {
      // Not remembered, then.
    }
    redrawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  byId("filter").addEventListener("input", () => (tools.firstPage(), draw()));
  document.addEventListener("visibilitychange", () => document.hidden || turn());
}

tools.build(drawTable);
executions.build();
runs.build(() => draw());
wire();
show(TABS.includes(location.hash.slice(1)) ? location.hash.slice(1) : "tools");
turns();
