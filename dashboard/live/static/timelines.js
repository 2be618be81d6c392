// The last minute as small charts, one above the other's scale: latency, frame rate, skipped frames, area, range.
import { colour, fade, fitCanvas, rem } from "../../static/theme.js";

const WINDOW = 60; // seconds
const RATE_WINDOW = 2; // seconds that rates are counted over
const KEEP = 120; // seconds of rows, for the map's trails

const CHARTS = [
  { name: "Latency", unit: "ms", least: 20, digits: 1, value: (row) => row.latency },
  { name: "Frame rate", unit: "fps", least: 6, digits: 1, value: (row) => row.fps },
  { name: "Skipped", unit: "a second", least: 2, digits: 1, value: (row) => row.skips },
  { name: "Hero area", unit: "px", least: 100, digits: 0, value: (row) => row.area, ink: "--hero" },
  { name: "Range", unit: "m", least: 10, digits: 1, value: (row) => row.range, ink: "--hero" },
];

export class Timelines {
  rows = [];
  #fields = [];
  #now = 0;
  #charts;

  constructor(container) {
    this.#charts = CHARTS.map((chart) => new Chart(container, chart));
    new ResizeObserver(() => this.draw()).observe(container);
  }

  setFields(fields) {
    this.#fields = fields;
  }

  add(rows, now) {
    this.#now = now;
    for (const values of rows) {
      const row = Object.fromEntries(this.#fields.map((field, i) => [field, values[i]]));
      this.rows.push(row);
      this.#addRates(row);
    }
    const first = this.rows.findIndex((row) => row.time > now - KEEP);
    this.rows.splice(0, first < 0 ? this.rows.length : first);
    this.draw();
  }

  clear() {
    this.rows = [];
    this.draw();
  }

  draw() {
    for (const chart of this.#charts) chart.draw(this.rows, this.#now);
  }

  #addRates(row) {
    let [frames, skipped, begin] = [0, 0, row.time];
    for (let i = this.rows.length - 1; i >= 0 && this.rows[i].time > row.time - RATE_WINDOW; i--) {
      frames += this.rows[i].frames;
      skipped += this.rows[i].skipped;
      begin = this.rows[i].time;
    }
    const seconds = row.time - begin;
    row.fps = seconds > 0.5 ? (frames - 1) / seconds : null;
    row.skips = skipped / RATE_WINDOW;
  }
}

class Chart {
  #chart;
  #canvas = document.createElement("canvas");
  #value = document.createElement("output");
  #pointer = null; // pixels from the left: what was then is shown instead of what is now
  #drawn = [[], 0];

  constructor(container, chart) {
    this.#chart = chart;
    const card = document.createElement("section");
    card.className = "card timeline";
    const header = document.createElement("header");
    const title = document.createElement("h2");
    title.textContent = chart.name;
    header.append(title, this.#value);
    const plot = document.createElement("div");
    plot.className = "plot";
    this.#canvas.setAttribute("role", "img");
    this.#canvas.setAttribute("aria-label", `${chart.name} over the last minute`);
    plot.append(this.#canvas);
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.#canvas.addEventListener("pointerleave", () => this.#point(null));
    card.append(header, plot);
    container.append(card);
  }

  #point(pointer) {
    this.#pointer = pointer;
    this.draw(...this.#drawn);
  }

  draw(rows, now) {
    this.#drawn = [rows, now];
    const { value, least, ink = "--accent" } = this.#chart;
    const context = fitCanvas(this.#canvas);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    const shown = rows.filter((row) => row.time > now - WINDOW);
    const moment = this.#pointer === null ? now : now - WINDOW * (1 - this.#pointer / width);
    const read = nearest(shown, moment);
    this.#tell(read, now);
    const top = niceAbove(Math.max(least, ...shown.map((row) => value(row) ?? 0)));
    const size = 0.68 * rem();
    const base = height - 1.5 * size;
    const x = (time) => width * (1 - (now - time) / WINDOW);
    const y = (number) => base - (base - size * 0.6) * (number / top);

    context.font = `${size}px system-ui, sans-serif`;
    context.strokeStyle = colour("--line");
    context.fillStyle = colour("--muted");
    context.lineWidth = 1;
    for (const level of [0, top / 2, top]) {
      context.beginPath();
      context.moveTo(0, Math.round(y(level)) + 0.5);
      context.lineTo(width, Math.round(y(level)) + 0.5);
      context.stroke();
    }
    this.#trace(context, shown, x, (row) => (value(row) === null ? null : y(value(row))), base, ink);
    if (read && this.#pointer !== null && value(read) !== null) {
      context.beginPath();
      context.arc(x(read.time), y(value(read)), 0.3 * size, 0, 7);
      context.fillStyle = colour("--text");
      context.fill();
    }
    context.textBaseline = "top";
    context.fillStyle = colour("--muted");
    context.fillText(String(+top.toPrecision(3)), 2, y(top) + 2);
    context.textBaseline = "bottom";
    context.fillText("60 s ago", 0, height);
    context.textAlign = "right";
    context.fillText("now", width, height);
    context.textAlign = "left";
  }

  #tell(row, now) {
    const { value, digits, unit } = this.#chart;
    const number = row ? value(row) : null;
    const small = document.createElement("small");
    small.textContent = this.#pointer === null || !row ? ` ${unit}` : ` ${unit}, ${Math.round(now - row.time)} s ago`;
    this.#value.replaceChildren(number === null ? "–" : number.toFixed(digits), small);
  }

  #trace(context, rows, x, y, base, ink) {
    const runs = [];
    let previous = null;
    for (const row of rows) {
      const level = y(row);
      if (level !== null) {
        if (previous === null || row.time - previous > 2) runs.push([]);
        runs.at(-1).push([x(row.time), level]);
      }
      previous = level === null ? null : row.time;
    }
    context.lineJoin = "round";
    for (const run of runs) {
      context.beginPath();
      run.forEach(([px, py]) => context.lineTo(px, py));
      context.strokeStyle = colour(ink);
      context.lineWidth = 1.6;
      if (run.length === 1) context.arc(...run[0], 0.8, 0, 7);
      context.stroke();
      context.lineTo(run.at(-1)[0], base);
      context.lineTo(run[0][0], base);
      context.fillStyle = fade(ink, 0.13);
      context.fill();
    }
  }
}

function nearest(rows, moment) { // within 2 seconds
  let best = null;
  for (const row of rows) {
    if (Math.abs(row.time - moment) < Math.min(2, best ? Math.abs(best.time - moment) : 2)) best = row;
  }
  return best;
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 4, 6, 8, 10].find((step) => step * power >= value * 0.999);
}
