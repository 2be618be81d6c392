// Charts, drawn by uPlot (global, loaded by the page): values are read by pointer, finger or arrow keys.
import { colour, drawOnChange, rem } from "./theme.js";

const numbers = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const AWAY = { left: -10, top: -10 }; // where a cursor is hidden

export class Chart {
  #container;
  #options;
  #plot = null;
  #data = null;

  // `container` has a size of its own. Options:
  //   label   for screen readers
  //   lines   [{ ink, alpha, ...series of uPlot }]; alpha fills the area below
  //   x       { ticks, format, ...scale of uPlot }
  //   least   the vertical axis reaches at least this value
  //   reach   how far from a value it is read, in units of x
  //   onRead  called with an index for each line, or null: the values to show
  constructor(container, options) {
    [this.#container, this.#options] = [container, options];
    container.tabIndex = 0;
    container.setAttribute("role", "img");
    container.setAttribute("aria-label", options.label);
    container.addEventListener("keydown", (event) => this.#onKey(event));
    container.addEventListener("blur", () => this.#plot?.setCursor(AWAY));
    drawOnChange(container, () => this.#draw());
  }

  // [x of all values, values of the first line, …]; null where there is none.
  show(data) {
    this.#data = data;
    this.#container.dataset.points = data[0].length;
    if (this.#plot) this.#plot.setData(data);
    else this.#draw();
    this.#read();
  }

  #draw() { // from scratch: in the colours and the size of this moment
    const { clientWidth: width, clientHeight: height } = this.#container;
    this.#plot?.destroy();
    this.#plot = null;
    if (!this.#data || !width || !height) return;
    const { lines, x: { ticks, format, ...x }, least = 0, reach, onRead } = this.#options;
    const size = 0.68 * rem();
    const axis = { stroke: colour("--muted"), font: `${size}px system-ui, sans-serif`, gap: 3, ticks: { show: false } };
    const texts = (plot, splits) => splits.map((value) => (value === null ? "" : (format ?? numbers.format)(value)));
    const series = lines.map(({ ink, alpha, points, ...line }) => {
      const [stroke, fill] = [colour(ink), alpha && colour(ink, alpha)];
      return { stroke, fill, width: 1.6, points: { fill: stroke, size: 4, show: false, filter: findIsolated, ...points }, ...line };
    });
    this.#plot = new uPlot({
      width,
      height,
      padding: [0.5 * size, 1.5 * size, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: false, ...x },
        y: { range: (plot, low, high) => uPlot.rangeNum(0, Math.max(least, high ?? 0), 0.1, true) },
      },
      axes: [
        {
          ...axis, size: 1.6 * size, grid: { show: false }, values: texts,
          ...(ticks && { splits: () => ticks, filter: (plot, splits) => splits }), // all of them, on a logarithmic scale, too
        },
        {
          ...axis, size: 3.2 * size, space: 2 * size, grid: { stroke: colour("--line"), width: 1 },
          values: (plot, splits) => splits.map(numbers.format),
        },
      ],
      series: [{}, ...series],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        hover: {
          skip: [null, undefined],
          prox: reach && ((plot) => plot.valToPos(reach, "x") - plot.valToPos(0, "x")),
        },
        points: { size: 0.5 * size, fill: colour("--text") },
      },
      hooks: { setCursor: [() => this.#read()] },
    }, this.#data, this.#container);
    const { over } = this.#plot;
    over.addEventListener("pointermove", ({ pointerType, offsetX: left }) => {
      if (pointerType !== "mouse") this.#plot.setCursor({ left, top: 0 });
    });
    over.addEventListener("pointerleave", () => this.#plot.setCursor(AWAY));
  }

  #read() {
    this.#options.onRead?.(this.#plot && this.#plot.cursor.left >= 0 ? this.#plot.cursor.idxs.slice(1) : null);
  }

  #onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.#plot || !this.#data[0].length) return;
    event.preventDefault();
    const last = this.#data[0].length - 1;
    const index = Math.min(Math.max((this.#plot.cursor.idx ?? last + 1) + step, 0), last);
    this.#plot.setCursor({ left: this.#plot.valToPos(this.#data[0][index], "x"), top: 0 });
  }
}

// Indices of values between gaps, which no line shows: they are drawn as points.
function findIsolated(plot, line) {
  const missing = (value) => value === null || value === undefined;
  const values = plot.data[line];
  return [...values.keys()].filter((i) => !missing(values[i]) && missing(values[i - 1]) && missing(values[i + 1]));
}
