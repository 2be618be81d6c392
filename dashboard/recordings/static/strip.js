// The scrubber: all frames from left to right with the target's area and the state, and the selection.
import { element } from "../../static/page.js";
import { colour, drawOnChange, fitCanvas, rem } from "../../static/theme.js";

const STATES = { found: "--found", lost: "--lost", searching: "--accent" };
const LARGEST = 10000; // pixels of the target that fill the height, on a logarithmic scale

export class Strip {
  #canvas = element("strip");
  #background = document.createElement("canvas"); // all but selection and position
  #frames = [];
  #hidden = new Set();
  #wrongTarget = new Set();
  #at = 0;
  #selection = null; // [first, last], indices
  #onSeek;
  #onSelect;
  #from = null; // index where a selection is being drawn from

  constructor({ onSeek, onSelect }) {
    this.#onSeek = onSeek;
    this.#onSelect = onSelect;
    drawOnChange(this.#canvas, () => this.#redraw());
    this.#canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#canvas.setPointerCapture(event.pointerId);
      this.#from = event.shiftKey ? this.#index(event) : null;
      this.#follow(event);
    });
    this.#canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && this.#canvas.hasPointerCapture(event.pointerId)) this.#follow(event);
    });
  }

  // `hidden` and `wrongTarget` are sets of names.
  setFrames(frames, hidden, wrongTarget) {
    [this.#frames, this.#hidden, this.#wrongTarget] = [frames, hidden, wrongTarget];
    this.#canvas.setAttribute("aria-valuemax", Math.max(frames.length - 1, 0));
    this.#redraw();
  }

  show(at, selection, description) {
    [this.#at, this.#selection] = [at, selection];
    this.#canvas.setAttribute("aria-valuenow", at);
    this.#canvas.setAttribute("aria-valuetext", description);
    this.#draw();
  }

  #redraw() {
    this.#paintBackground();
    this.#draw();
  }

  #follow(event) {
    const index = this.#index(event);
    if (!this.#frames.length) return;
    if (this.#from !== null) this.#onSelect(Math.min(this.#from, index), Math.max(this.#from, index));
    this.#onSeek(index);
  }

  #index(event) {
    const index = Math.floor((event.offsetX / this.#canvas.clientWidth) * this.#frames.length);
    return Math.min(Math.max(index, 0), this.#frames.length - 1);
  }

  #draw() {
    const context = fitCanvas(this.#canvas);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    if (!width || !this.#frames.length) return;
    context.drawImage(this.#background, 0, 0, width, height);
    const each = width / this.#frames.length;
    if (this.#selection) {
      const [first, last] = this.#selection;
      context.fillStyle = colour("--accent", 0.22);
      context.strokeStyle = colour("--accent");
      context.lineWidth = 1.5;
      context.fillRect(first * each, 0, (last - first + 1) * each, height);
      context.strokeRect(first * each, 0.75, (last - first + 1) * each, height - 1.5);
    }
    const x = Math.min((this.#at + 0.5) * each, width - 1);
    context.fillStyle = colour("--text");
    context.fillRect(x - 1, 0, 2, height);
    context.beginPath();
    context.moveTo(x - 0.4 * rem(), 0);
    context.lineTo(x + 0.4 * rem(), 0);
    context.lineTo(x, 0.5 * rem());
    context.fill();
  }

  #paintBackground() {
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    [this.#background.width, this.#background.height] = [Math.max(width * ratio, 1), Math.max(height * ratio, 1)];
    if (!width || !this.#frames.length) return;
    const context = this.#background.getContext("2d");
    context.scale(ratio, ratio);
    const marks = 0.9 * rem(); // above the areas
    const band = 0.45 * rem(); // of states, at the bottom
    const base = height - band;
    for (const column of this.#columns(width)) {
      const { left, wide, frames } = column;
      const area = Math.max(...frames.map((frame) => frame.hero));
      const hidden = frames.filter((frame) => this.#hidden.has(frame.name)).length;
      if (hidden) {
        context.fillStyle = colour("--bad", 0.12 + (0.2 * hidden) / frames.length);
        context.fillRect(left, marks, wide, base - marks);
      }
      if (area > 0) {
        const tall = (base - marks) * Math.min(Math.log10(1 + area) / Math.log10(LARGEST), 1);
        context.fillStyle = hidden ? colour("--muted", 0.5) : colour("--hero", 0.7);
        context.fillRect(left, base - tall, wide, tall);
      }
      const state = frames.findLast((frame) => frame.changed)?.state ?? frames[0].state;
      const ink = frames.some((frame) => this.#wrongTarget.has(frame.name)) ? "--bad" : (STATES[state] ?? "--line");
      context.fillStyle = colour(ink);
      context.fillRect(left, base + 1, wide, band);
      if (frames.some((frame) => frame.note)) diamond(context, left + wide / 2, marks / 2, 0.38 * rem());
    }
  }

  // Yields a column for each frame, or for the frames that share a pixel.
  * #columns(width) {
    const count = Math.min(this.#frames.length, Math.floor(width));
    for (let i = 0; i < count; i++) {
      const [first, end] = [i, i + 1].map((column) => Math.floor((column * this.#frames.length) / count));
      const [left, right] = [first, end].map((index) => (index * width) / this.#frames.length);
      const gap = right - left > 4 ? 0.5 : 0;
      yield { left, wide: right - left - gap, frames: this.#frames.slice(first, end) };
    }
  }
}

function diamond(context, x, y, size) {
  context.beginPath();
  for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + dx * size, y + dy * size);
  context.fillStyle = colour("--truth");
  context.fill();
}
