// SPDX-License-Identifier: Apache-2.0
// What the agent has told so far: the last minutes in steps, and the state of now.

// Seconds that a rate or a quantile looks back, as rate(…[1m]) would.
export const WINDOW_MS = 60_000;

export class Store {
  constructor() {
    this.reset(null);
  }

  reset(agent) {
    this.agent = agent;
    this.families = [];
    this.byName = new Map();
    this.rows = [];
    this.steps = []; // {time, entries: by family, [[row, …], …]}
    this.now = new Map(); // family -> [[label value, …, value], …]
  }

  get query() {
    const last = this.steps.at(-1)?.time ?? 0;
    return `after=${last}&rows=${this.rows.length}`;
  }

  // False: another agent answered than the one whose story this is. Ask again, from the beginning.
  apply(live) {
    if (this.agent !== null && this.agent !== live.agent) {
      this.reset(null);
      return false;
    }
    this.agent = live.agent;
    this.stepMs = live.step_ms;
    this.families = live.families;
    this.byName = new Map(live.families.map((family, index) => [family.name, index]));
    for (const [family, ...labels] of live.rows) this.rows.push({ family, labels });
    for (const [time, ...entries] of live.steps) this.steps.push({ time, entries: this.#sort(entries) });
    this.steps.splice(0, Math.max(0, this.steps.length - live.steps_max));
    this.now = new Map(live.now.map(({ name, series }) => [name, series]));
    this.time = live.time;
    return true;
  }

  #sort(entries) {
    const byFamily = this.families.map(() => []);
    for (const entry of entries) byFamily[this.rows[entry[0]].family].push(entry);
    return byFamily;
  }

  get times() {
    return this.steps.map(({ time }) => time / 1000);
  }

  // How many steps a rate looks back.
  get window() {
    return Math.max(1, Math.round(WINDOW_MS / this.stepMs));
  }

  family(name) {
    return this.families[this.byName.get(name)];
  }

  /* Calls visit(step's index, labels, entry) for all that moved. */
  visit(name, visit) {
    const family = this.byName.get(name);
    if (family === undefined) return;
    this.steps.forEach(({ entries }, index) => {
      for (const entry of entries[family] ?? []) visit(index, this.rows[entry[0]].labels, entry);
    });
  }

  has(name) {
    const family = this.byName.get(name);
    return family !== undefined && this.steps.some(({ entries }) => entries[family]?.length);
  }

  // The value of a series as it is now; the last of its labels may be left out.
  value(name, ...labels) {
    const found = (this.now.get(name) ?? []).find((series) => labels.every((label, index) => series[index] === label));
    return found ? found.at(-1) : 0;
  }

  sum(name) {
    return (this.now.get(name) ?? []).reduce((total, series) => total + series.at(-1), 0);
  }

  // Changes by key over all steps: Map key -> Histogram or Count. keyOf may say undefined: not wanted.
  totals(name, keyOf) {
    return this.#collect(name, keyOf, 1, () => 0);
  }

  // The same by step.
  series(name, keyOf) {
    return this.#collect(name, keyOf, this.steps.length, (index) => index);
  }

  #collect(name, keyOf, count, placeOf) {
    const groups = new Map();
    const family = this.family(name);
    this.visit(name, (index, labels, entry) => {
      const key = keyOf(labels);
      if (key === undefined) return;
      let group = groups.get(key);
      if (!group) groups.set(key, (group = family.type === "histogram" ? new Histogram(family, count) : new Count(family, count)));
      group.add(placeOf(index), entry);
    });
    return groups;
  }
}

// A counter's or gauge's changes, in places.
export class Count {
  constructor(family, count) {
    this.unit = 10 ** family.scale;
    this.values = new Float64Array(count);
  }

  add(place, [, change]) {
    this.values[place] += change / this.unit;
  }

  get total() {
    return this.values.reduce((sum, value) => sum + value, 0);
  }
}

// A histogram's, in places: its buckets are not cumulative, the last is +Inf.
export class Histogram {
  constructor(family, count) {
    this.unit = 10 ** family.scale;
    this.bounds = family.bounds;
    this.width = family.bounds.length + 1;
    this.sums = new Float64Array(count);
    this.counts = new Float64Array(count);
    this.buckets = new Float64Array(count * this.width);
  }

  add(place, entry) {
    this.sums[place] += entry[1] / this.unit;
    for (let i = 2; i < entry.length; i += 2) {
      this.buckets[place * this.width + entry[i]] += entry[i + 1];
      this.counts[place] += entry[i + 1];
    }
  }

  bucketsOf(first, last) {
    const sums = new Float64Array(this.width);
    for (let place = first; place <= last; place++)
      for (let i = 0; i < this.width; i++) sums[i] += this.buckets[place * this.width + i];
    return sums;
  }

  quantile(q, first = 0, last = this.counts.length - 1) {
    return quantile(q, this.bounds, this.bucketsOf(first, last));
  }
}

// As Prometheus' histogram_quantile: linear within a bucket, at most the last finite bound. NaN without samples.
export function quantile(q, bounds, buckets) {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  const rank = q * total;
  let below = 0;
  if (total === 0) return NaN;
  for (let i = 0; i < bounds.length; i++) {
    if (below + buckets[i] >= rank && buckets[i] > 0) {
      const low = i ? bounds[i - 1] : 0;
      return low + ((bounds[i] - low) * (rank - below)) / buckets[i];
    }
    below += buckets[i];
  }
  return bounds.at(-1);
}

// Sums of the last `window` values, at each place.
export function rolling(values, window) {
  const sums = new Array(values.length);
  for (let i = 0, sum = 0; i < values.length; i++) {
    sum += values[i] - (i >= window ? values[i - window] : 0);
    sums[i] = Math.max(0, sum);
  }
  return sums;
}
