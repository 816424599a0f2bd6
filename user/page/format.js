// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them.

function digits(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(value, step, units) {
  let unit = 0;
  for (; Math.abs(value) >= step && unit < units.length - 1; unit++) value /= step;
  return `${unit === 0 && Number.isInteger(value) ? value : digits(value)} ${units[unit]}`.trim();
}

// Without the zeros at the end: for bounds and axes.
export const short = (text) => text.replace(/(\.\d*?)0+(?=\D|$)/, (_, kept) => (kept === "." ? "" : kept));

export const none = "–";

export function seconds(value) {
  if (!Number.isFinite(value)) return none;
  if (value === 0) return "0 s";
  if (value < 0.001) return `${digits(value * 1e6)} µs`;
  if (value < 1) return `${digits(value * 1e3)} ms`;
  return value < 120 ? `${digits(value)} s` : age(value);
}

export function age(value) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = units.findIndex(([size]) => value >= size);
  if (at < 0 || at === 3) return `${Math.floor(value)} s`;
  const [[size, name], [next, smaller]] = units.slice(at);
  return `${Math.floor(value / size)} ${name} ${Math.floor((value % size) / next)} ${smaller}`;
}

export const bytes = (value) => (Number.isFinite(value) ? scaled(value, 1000, ["B", "kB", "MB", "GB", "TB"]) : none);
export const count = (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString("en") : none);
export const share = (value) => (Number.isFinite(value) ? `${digits(value * 100)} %` : none);
export const rate = (value) => (Number.isFinite(value) ? `${digits(value)}/s` : none);
export const number = (value) => (Number.isFinite(value) ? digits(value) : none);
export const clock = (time) => new Date(time * 1000).toLocaleTimeString("en-GB");
export const minute = (time) => clock(time).slice(0, 5);
