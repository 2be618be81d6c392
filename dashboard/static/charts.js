// Charts, drawn by uPlot (global, loaded by the page): values are read by pointer, finger or arrow keys.
import { make, onKeys } from "./page.js";
import { colour, drawOnChange, rem } from "./theme.js";

const numbers = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const AWAY = { left: -10, top: -10 }; // where a cursor is hidden

// A figure with a title, the chart, and for each line its name and a value in words.
export class Chart {
  #options;
  #plot = null;
  #node;
  #outputs;
  #rows = [];
  #data = null;

  // Options:
  //   title, over    over which time or frames, for screen readers
  //   lines          [{ key, name, ink, alpha, describe, ...series of uPlot }]; alpha fills the area below.
  //                  describe(rows, index): the value at the index that is pointed at, null where there is none, else
  //                  undefined; returns text or nodes
  //   x              { key, ticks, format, ...scale of uPlot }
  //   least          the vertical axis reaches at least this value
  //   reach          how far from a value it is read, in units of x
  constructor(container, options) {
    this.#options = options;
    this.#outputs = options.lines.map(() => make("output"));
    this.#node = make("div", { className: "plot", tabIndex: 0, role: "img", ariaLabel: `${options.title} ${options.over}` });
    const names = options.lines.map(({ name = "", ink }, i) => make("li", { dataset: { ink } }, `${name} `, this.#outputs[i]));
    container.append(make("figure", { className: "chart" }, make("figcaption", {}, options.title), make("ul", {}, ...names), this.#node));
    onKeys(this.#node, { ArrowLeft: () => this.#move(-1), ArrowRight: () => this.#move(1) });
    this.#node.addEventListener("blur", () => this.#plot?.setCursor(AWAY));
    drawOnChange(this.#node, () => this.#draw());
  }

  // Rows in the order of x, with a number, null or nothing for each key.
  show(rows) {
    const { x, lines } = this.#options;
    this.#rows = rows;
    this.#data = [x, ...lines].map(({ key }) => rows.map((row) => row[key] ?? null));
    this.#node.dataset.points = rows.length;
    if (this.#plot) this.#plot.setData(this.#data);
    else this.#draw();
    this.#read();
  }

  #draw() { // from scratch: in the colours and the size of this moment
    const { clientWidth: width, clientHeight: height } = this.#node;
    this.#plot?.destroy();
    this.#plot = null;
    if (!this.#data || !width || !height) return;
    const { lines, x: { ticks, format, ...x }, least = 0, reach } = this.#options;
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
    }, this.#data, this.#node);
    const { over } = this.#plot;
    over.addEventListener("pointermove", ({ pointerType, offsetX: left }) => {
      if (pointerType !== "mouse") this.#plot.setCursor({ left, top: 0 });
    });
    over.addEventListener("pointerleave", () => this.#plot.setCursor(AWAY));
  }

  #read() {
    const pointed = this.#plot?.cursor.left >= 0;
    this.#options.lines.forEach(({ describe }, i) => {
      const index = pointed ? this.#plot.cursor.idxs[i + 1] : undefined;
      this.#outputs[i].replaceChildren(...[describe(this.#rows, index)].flat());
    });
  }

  #move(step) {
    if (!this.#plot || !this.#rows.length) return;
    const last = this.#rows.length - 1;
    const index = Math.min(Math.max((this.#plot.cursor.idx ?? last + 1) + step, 0), last);
    this.#plot.setCursor({ left: this.#plot.valToPos(this.#data[0][index], "x"), top: 0 });
  }
}

// Indices of values between gaps, which no line shows: they are drawn as points.
function findIsolated(plot, line) {
  const has = (i) => (plot.data[line][i] ?? null) !== null;
  return [...plot.data[line].keys()].filter((i) => has(i) && !has(i - 1) && !has(i + 1));
}
