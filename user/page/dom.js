// SPDX-License-Identifier: Apache-2.0
// Elements without a framework. Texts are always set as text: what came from a watched process is never markup.

export const byId = (id) => document.getElementById(id);

export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

// The color that a custom property means in the theme of now.
export function color(name) {
  const probe = make("span", { hidden: true });
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// In turn, for what has no color of its own; told apart on white and on black.
export const PALETTE = ["#4269d0", "#e08a00", "#ff725c", "#3ca951", "#a463f2", "#2ba6a6", "#e668a7", "#9c6b4e"];

export function canvasOf(canvas) {
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { context, width, height };
}
