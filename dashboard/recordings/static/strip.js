// The scrubber: all frames from left to right with the target's area and the state, and the selection.
import { element } from "../../static/page.js";
import { colour, drawOnChange, fitCanvas, rem } from "../../static/theme.js";

const STATES = { found: "--found", lost: "--lost", searching: "--accent" };
const LARGEST = 10000; // pixels of the target that fill the height, on a logarithmic scale

export class Strip {
  #canvas = element("strip");
  #frames = [];
  #hidden = new Set();
  #wrongTarget = new Set();

  // `onSeek` is called with an index, `onSelect` with the first and the last one of a range that is drawn with Shift.
  constructor(onSeek, onSelect) {
    const canvas = this.#canvas;
    let from = null; // index where a selection is being drawn from
    const follow = (event) => {
      if (!this.#frames.length) return;
      const index = this.#index(event);
      if (from !== null) onSelect([Math.min(from, index), Math.max(from, index)]);
      onSeek(index);
    };
    drawOnChange(canvas, () => this.#draw());
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      from = event.shiftKey ? this.#index(event) : null;
      follow(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons === 1 && canvas.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  // `hidden` and `wrongTarget` are sets of names.
  setFrames(frames, hidden, wrongTarget) {
    [this.#frames, this.#hidden, this.#wrongTarget] = [frames, hidden, wrongTarget];
    this.#canvas.ariaValueMax = Math.max(frames.length - 1, 0);
    this.#draw();
  }

  // `selection` is null, or the indices of its first and last frame.
  show(at, selection, description) {
    const percentage = (index) => `${(100 * index) / this.#frames.length}%`;
    const [position, range] = [element("strip-position"), element("strip-selection")];
    const [first, last] = selection ?? [at, at];
    position.hidden = false;
    position.style.left = percentage(at + 0.5);
    range.hidden = !selection;
    [range.style.left, range.style.width] = [percentage(first), percentage(last - first + 1)];
    this.#canvas.ariaValueNow = at;
    this.#canvas.ariaValueText = description;
  }

  #index(event) {
    const index = Math.floor((event.offsetX / this.#canvas.clientWidth) * this.#frames.length);
    return Math.min(Math.max(index, 0), this.#frames.length - 1);
  }

  #draw() {
    const context = fitCanvas(this.#canvas);
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const marks = 0.9 * rem(); // above the areas
    const band = 0.45 * rem(); // of states, at the bottom
    const base = height - band;
    const count = Math.min(this.#frames.length, Math.floor(width)); // of columns: frames may share a pixel
    for (let column = 0; column < count; column++) {
      const [first, end] = [column, column + 1].map((each) => Math.floor((each * this.#frames.length) / count));
      const [left, right] = [first, end].map((index) => (index * width) / this.#frames.length);
      const wide = right - left - (right - left > 4 ? 0.5 : 0);
      const frames = this.#frames.slice(first, end);
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
      const wrong = frames.some((frame) => this.#wrongTarget.has(frame.name));
      context.fillStyle = colour(wrong ? "--bad" : (STATES[state] ?? "--line"));
      context.fillRect(left, base + 1, wide, band);
      if (frames.some((frame) => frame.note)) drawMark(context, left + wide / 2, marks / 2, 0.38 * rem());
    }
  }
}

function drawMark(context, x, y, size) {
  context.beginPath();
  for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + dx * size, y + dy * size);
  context.fillStyle = colour("--truth");
  context.fill();
}
