// The scrubber: all frames from left to right with the target's area and the state, and the selection.
import { element, make } from "../../static/page.js";
import { colour, drawOnChange, fitCanvas, rem } from "../../static/theme.js";

const STATES = { found: "--found", lost: "--lost", searching: "--accent" };
const LARGEST = 10000; // pixels of the target that fill the height, on a logarithmic scale

export class Strip {
  #canvas = element("strip");
  #background = make("canvas"); // all but selection and position
  #frames = [];
  #hidden = new Set();
  #wrongTarget = new Set();
  #at = 0;
  #selection = null; // [first, last], indices

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
    drawOnChange(canvas, () => this.#redraw());
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
    this.#redraw();
  }

  show(at, selection, description) {
    [this.#at, this.#selection] = [at, selection];
    this.#canvas.ariaValueNow = at;
    this.#canvas.ariaValueText = description;
    this.#draw();
  }

  #index(event) {
    const index = Math.floor((event.offsetX / this.#canvas.clientWidth) * this.#frames.length);
    return Math.min(Math.max(index, 0), this.#frames.length - 1);
  }

  #redraw() {
    this.#paintBackground();
    this.#draw();
  }

  #draw() {
    const context = fitCanvas(this.#canvas);
    const { clientWidth: width, clientHeight: height } = this.#canvas;
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
    fillPolygon(context, "--text", [[x - 0.4 * rem(), 0], [x + 0.4 * rem(), 0], [x, 0.5 * rem()]]);
  }

  #paintBackground() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width) return;
    const context = fitCanvas(this.#background, width, height);
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
      if (frames.some((frame) => frame.note)) {
        const [x, y, size] = [left + wide / 2, marks / 2, 0.38 * rem()];
        fillPolygon(context, "--truth", [[x, y - size], [x + size, y], [x, y + size], [x - size, y]]);
      }
    }
  }
}

function fillPolygon(context, ink, points) {
  context.beginPath();
  points.forEach((point) => context.lineTo(...point));
  context.fillStyle = colour(ink);
  context.fill();
}
