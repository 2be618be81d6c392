// Colours: the scheme that is in force, its colours for canvases, and canvases that are sharp on every screen.
const NAMES = { system: "System colours", light: "Light", dark: "Dark" };
const STORED = "follow-me-theme";
let known = new Map();

export function setUpTheme(button, redraw) {
  const order = Object.keys(NAMES);
  let current = localStorage.getItem(STORED);
  if (!(current in NAMES)) current = "system";
  const apply = () => {
    document.documentElement.dataset.theme = current;
    button.textContent = NAMES[current];
    button.setAttribute("aria-label", `Colour scheme: ${NAMES[current]}`);
    known = new Map();
    redraw();
  };
  button.addEventListener("click", () => {
    current = order[(order.indexOf(current) + 1) % order.length];
    localStorage.setItem(STORED, current);
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

export function colour(name) {
  return `rgb(${colourBytes(name).join(" ")})`;
}

export function fade(name, alpha) {
  return `rgb(${colourBytes(name).join(" ")} / ${alpha})`;
}

export function colourBytes(name) {
  if (!known.has(name)) {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const numbers = getComputedStyle(probe).color.match(/\d+(\.\d+)?/g);
    probe.remove();
    known.set(name, numbers.slice(0, 3).map(Number));
  }
  return known.get(name);
}

// A cleared 2D context whose units are CSS pixels.
export function fitCanvas(canvas) {
  const ratio = Math.min(devicePixelRatio || 1, 3);
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.scale(ratio, ratio);
  return context;
}

// How many pixels an `rem` has: texts on canvases grow with the page.
export function rem() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize);
}
