// SPDX-License-Identifier: Apache-2.0
// Three kinds of pictures: lines or stacked areas over time (uPlot), heat maps, and tiles with a spark line.
/* global uPlot */
import { byId, canvasOf, color, make } from "./dom.js";
import { clock, minute, short } from "./format.js";

const redraws = new Set(); // what has to be drawn anew in another theme
const HEAT_COLUMNS = 60;
const SHORT_SECONDS = 180; // below it, minutes do not tell the two ends of an axis apart

export function redrawAll() {
  for (const redraw of redraws) redraw();
}

export function card(parent, title, note) {
  const plot = make("div", { className: "plot" });
  const keys = make("ul", { className: "keys" });
  parent.append(make("div", { className: "chart", role: "group", "aria-label": title }, make("h3", {}, title), make("p", {}, note), plot, keys));
  return { plot, keys };
}

// A value without a neighbour would be a line of no length: it is drawn as a point.
function lonely(plot, index) {
  const values = plot.data[index];
  return [...values.keys()].filter((at) => values[at] !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null);
}

function axes(format) {
  const common = { stroke: color("--dim"), grid: { stroke: color("--grid"), width: 1 }, ticks: { stroke: color("--grid"), width: 1 }, font: "11px system-ui, sans-serif" };
  return [
    { ...common, space: 70, size: 32, values: (_, times, _axis, _space, step) => times.map(step < 60 ? clock : minute) },
    { ...common, size: 62, values: (_, values) => values.map((value) => (value === 0 ? "0" : short(format(value)))) },
  ];
}

// Lines, or areas stacked from the first to the last.
export class TimeChart {
  constructor(parent, title, note, { format, stacked = false }) {
    Object.assign(this, card(parent, title, note), { title, format, stacked, shape: "" });
    this.plot.setAttribute("role", "img");
    new ResizeObserver(() => this.plotted?.setSize(this.#size())).observe(this.plot);
    redraws.add(() => this.#again());
  }

  #size() {
    return { width: Math.max(200, this.plot.clientWidth), height: this.plot.clientHeight };
  }

  // series: [{label, color, values, dash}], values NaN or null where there is nothing to say.
  set(times, series) {
    const shape = JSON.stringify(series.map(({ label, color, dash }) => [label, color, dash]));
    this.times = times;
    this.series = series.map((one) => ({ ...one, values: one.values.map((value) => (Number.isFinite(value) ? value : null)) }));
    if (shape !== this.shape) {
      this.shape = shape;
      this.#again();
    } else {
      this.plotted?.setData(this.#data());
    }
    this.#tell(times.length - 1);
  }

  #data() {
    if (!this.stacked) return [this.times, ...this.series.map(({ values }) => values)];
    const sums = new Array(this.times.length).fill(0);
    const stacks = this.series.map(({ values }) => values.map((value, index) => (sums[index] += value ?? 0)));
    return [this.times, ...stacks.reverse()];
  }

  // The top of a stack is drawn first, what is below it over it.
  #drawn() {
    const drawn = this.series.map(({ label, color, dash }) => ({
      label, stroke: color, width: this.stacked ? 0 : 1.6, dash, spanGaps: false,
      points: { show: !this.stacked, size: 5, fill: color, filter: lonely },
      fill: this.stacked ? color : undefined,
    }));
    return this.stacked ? drawn.reverse() : drawn;
  }

  #again() {
    this.plotted?.destroy();
    this.plotted = null;
    this.plot.replaceChildren();
    if (!this.series?.length) {
      this.plot.append(make("div", { className: "nothing" }, "nothing in the last 15 minutes"));
      return;
    }
    const options = {
      ...this.#size(), series: [{}, ...this.#drawn()], axes: axes(this.format), legend: { show: false },
      scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
      cursor: { y: false, points: { show: !this.stacked }, drag: { x: false, y: false } },
      hooks: { setCursor: [({ cursor }) => this.#tell(cursor.idx ?? this.times.length - 1)] },
    };
    this.plotted = new uPlot(options, this.#data(), this.plot);
  }

  // The keys say in words what the picture shows, at the cursor or now.
  #tell(index) {
    const said = this.series.map(({ label, color, values }) => {
      const swatch = make("i", { className: "swatch" });
      swatch.style.background = color;
      const value = values[index];
      const shown = make("span", {}, this.format(value ?? NaN));
      shown.dataset.value = value;
      return [make("li", {}, swatch, make("b", { title: label }, label), shown), `${label} ${this.format(value ?? NaN)}`];
    });
    this.keys.replaceChildren(...said.map(([item]) => item));
    const when = this.times.length ? `, at ${clock(this.times[index])}` : "";
    this.plot.setAttribute("aria-label", `${this.title}${when}: ${said.map(([, text]) => text).join(", ") || "nothing"}`);
  }
}

// Rows of cells over time: the more, the stronger; what a row adds up to stands behind it.
export class HeatMap {
  constructor(parent, title, note, { format }) {
    Object.assign(this, card(parent, title, note), { title, format });
    this.plot.className = "heat";
    new ResizeObserver(() => this.#draw()).observe(this.plot);
    redraws.add(() => this.#draw());
  }

  // rows: [{label, values}]
  set(times, rows) {
    this.times = times;
    this.per = Math.max(1, Math.ceil(times.length / HEAT_COLUMNS));
    this.rows = rows.map(({ label, values }) => ({ label, cells: this.#cells(values), total: values.reduce((sum, value) => sum + value, 0) }));
    const shape = rows.map(({ label }) => label).join("\n");
    if (shape !== this.shape) this.#build(shape);
    this.rows.forEach(({ total }, index) => {
      this.totals[index].textContent = this.format(total);
      this.totals[index].dataset.value = total;
    });
    const text = times.at(-1) - times[0] < SHORT_SECONDS ? clock : minute;
    if (times.length) this.ends?.forEach((end, index) => (end.textContent = text(times.at(index ? -1 : 0))));
    this.#draw();
  }

  #cells(values) {
    const cells = new Array(Math.ceil(values.length / this.per)).fill(0);
    values.forEach((value, index) => (cells[Math.floor(index / this.per)] += value));
    return cells;
  }

  #build(shape) {
    this.shape = shape;
    this.canvases = this.rows.map(({ label }) => make("canvas", { role: "img", "aria-label": label }));
    this.totals = this.rows.map(() => make("span", { className: "total" }));
    this.ends = [make("span"), make("span")];
    this.canvases.forEach((canvas, row) => {
      canvas.addEventListener("pointermove", (event) => this.#tip(event, row));
      canvas.addEventListener("pointerleave", () => byId("tip")?.remove());
    });
    const lines = this.rows.flatMap(({ label }, row) => [make("span", {}, label), this.canvases[row], this.totals[row]]);
    this.plot.replaceChildren(...(lines.length ? [...lines, make("div", { className: "axis" }, ...this.ends)] : [make("div", { className: "nothing" }, "nothing in the last 15 minutes")]));
  }

  #draw() {
    const heat = color("--heat");
    const most = Math.max(1e-9, ...(this.rows ?? []).flatMap(({ cells }) => cells));
    this.rows?.forEach(({ label, cells, total }, row) => {
      const { context, width, height } = canvasOf(this.canvases[row]);
      this.canvases[row].setAttribute("aria-label", `${label}: ${this.format(total)}`);
      context.fillStyle = heat;
      cells.forEach((cell, index) => {
        if (!cell) return;
        context.globalAlpha = 0.2 + 0.8 * Math.sqrt(cell / most);
        context.fillRect((index * width) / cells.length, 0, Math.max(1, width / cells.length - 1), height);
      });
    });
  }

  #tip({ clientX, clientY, offsetX, target }, row) {
    const { label, cells } = this.rows[row];
    const cell = Math.min(cells.length - 1, Math.max(0, Math.floor((offsetX / target.clientWidth) * cells.length)));
    const tip = byId("tip") ?? document.body.appendChild(make("div", { id: "tip" }));
    tip.textContent = `${clock(this.times[Math.min(this.times.length - 1, cell * this.per)])}  ${label}: ${this.format(cells[cell])}`;
    tip.style.left = `${Math.min(clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${clientY + 14}px`;
  }
}

// A number with its name; and how it went, where that is given.
export class Tile {
  constructor(parent, name) {
    this.value = make("span", { className: "value" });
    this.more = make("span", { className: "more" });
    this.root = make("div", { className: "tile" }, make("span", { className: "name" }, name), this.value, this.more);
    parent.append(this.root);
    redraws.add(() => this.#draw());
  }

  set(value, more = "", { bad = false, spark = null } = {}) {
    this.value.textContent = value;
    this.more.textContent = more;
    this.root.classList.toggle("bad", bad);
    this.spark = spark;
    if (spark && !this.canvas) this.root.append((this.canvas = make("canvas", { "aria-hidden": "true" })));
    this.#draw();
  }

  #draw() {
    if (!this.spark?.length || !this.canvas) return;
    const { context, width, height } = canvasOf(this.canvas);
    const values = this.spark.map((value) => (Number.isFinite(value) ? value : 0));
    const most = Math.max(...values) || 1;
    const points = values.map((value, index) => [(index / Math.max(1, values.length - 1)) * width, height - 2 - (value / most) * (height - 5)]);
    context.strokeStyle = context.fillStyle = color(this.root.classList.contains("bad") ? "--bad" : "--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    context.stroke();
    context.globalAlpha = 0.15;
    context.lineTo(width, height);
    context.lineTo(0, height);
    context.fill();
  }
}
