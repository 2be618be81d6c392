// Colours: the scheme in force, its colours for canvases, and canvases that are sharp on every screen.
import { element } from "./page.js";
import { ALWAYS, recall, remember } from "./storage.js";

const NAMES = { system: "System colours", light: "Light", dark: "Dark" };
const STORED = "follow-me-theme";
const order = Object.keys(NAMES);
let current = recall(ALWAYS, STORED, "system");
let known = new Map(); // colours that were looked up

element("theme").addEventListener("click", () => {
  current = order[(order.indexOf(current) + 1) % order.length];
  remember(ALWAYS, STORED, current);
  apply();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
apply();

function apply() {
  document.documentElement.dataset.theme = current;
  element("theme").textContent = NAMES[current];
  element("theme").ariaLabel = `Colour scheme: ${NAMES[current]}`;
  known = new Map();
  document.dispatchEvent(new Event("themechange"));
}

// Calls `draw` now, and whenever the size of the node or the colours of the page change.
export function drawOnChange(node, draw) {
  new ResizeObserver(draw).observe(node);
  document.addEventListener("themechange", draw);
}

// Red, green and blue of a CSS variable.
export function rgb(name) {
  if (!known.has(name)) {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    known.set(name, getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number));
    probe.remove();
  }
  return known.get(name);
}

// Colour of a CSS variable, for canvases.
export function colour(name, alpha = 1) {
  return `rgb(${rgb(name).join(" ")} / ${alpha})`;
}

// A cleared 2D context whose units are CSS pixels.
export function fitCanvas(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 3);
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.reset();
  context.scale(ratio, ratio);
  return context;
}

// Number of pixels in a `rem`: texts on canvases grow with the page.
export function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}
