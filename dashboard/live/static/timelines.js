// The last minute as small charts: latency, frame rate, skipped frames, the target's area and range.
import { Chart } from "../../static/charts.js";

const WINDOW = 60; // seconds
const RATE_WINDOW = 2; // seconds over which rates are counted
const LONGEST_GAP = 2; // seconds between rows that are connected by a line
const KEPT = 120; // seconds of rows, for the map's trails

const CHARTS = [
  { name: "Latency", unit: "ms", least: 20, digits: 1, value: (row) => row.latency },
  { name: "Frame rate", unit: "fps", least: 6, digits: 1, value: (row) => row.fps },
  { name: "Skipped", unit: "a second", least: 2, digits: 1, value: (row) => row.skips },
  { name: "Target area", unit: "px", least: 100, digits: 0, value: (row) => row.area, ink: "--hero" },
  { name: "Range", unit: "m", least: 10, digits: 1, value: (row) => row.range, ink: "--hero" },
];

export class Timelines {
  rows = [];
  #fields = [];
  #timelines;

  constructor(container) {
    this.#timelines = CHARTS.map((chart) => new Timeline(container, chart));
  }

  setFields(fields) {
    this.#fields = fields;
  }

  add(rows, now) {
    for (const values of rows) {
      const row = Object.fromEntries(this.#fields.map((field, i) => [field, values[i]]));
      this.rows.push(row);
      this.#addRates(row);
    }
    const first = this.rows.findIndex((row) => row.time > now - KEPT);
    this.rows.splice(0, first < 0 ? this.rows.length : first);
    this.#show(now);
  }

  clear() {
    this.rows = [];
    this.#show(0);
  }

  #show(now) {
    const shown = this.rows.filter((row) => row.time > now - WINDOW);
    const points = shown.flatMap((row, i) => {
      const gap = i && row.time - shown[i - 1].time > LONGEST_GAP;
      return gap ? [{ ...EMPTY, time: row.time }, row] : [row];
    });
    for (const timeline of this.#timelines) timeline.show(points, now);
  }

  #addRates(row) {
    const recent = this.rows.slice(this.rows.findLastIndex((each) => each.time <= row.time - RATE_WINDOW) + 1);
    const count = (field) => recent.reduce((sum, each) => sum + each[field], 0);
    const seconds = row.time - recent[0].time;
    row.fps = seconds > 0.5 ? (count("frames") - 1) / seconds : null;
    row.skips = count("skipped") / RATE_WINDOW;
  }
}

const EMPTY = { latency: null, fps: null, skips: null, area: null, range: null };

class Timeline {
  #options;
  #value = document.createElement("output");
  #chart;
  #points = [[], []]; // seconds before now (negative), values

  constructor(container, options) {
    this.#options = options;
    const card = document.createElement("section");
    card.className = "card timeline";
    const [header, title, plot] = ["header", "h2", "div"].map((tag) => document.createElement(tag));
    title.textContent = options.name;
    header.append(title, this.#value);
    plot.className = "plot";
    card.append(header, plot);
    container.append(card);
    this.#chart = new Chart(plot, {
      label: `${options.name} over the last minute`,
      lines: [{ ink: options.ink ?? "--accent", alpha: 0.13 }],
      x: { range: [-WINDOW, 0], ticks: [-40, -20, 0], format: (x) => (x ? `${-x} s ago` : "now") },
      least: options.least,
      reach: LONGEST_GAP,
      onRead: (indices) => this.#read(indices),
    });
  }

  show(rows, now) {
    this.#points = [rows.map((row) => row.time - now), rows.map(this.#options.value)];
    this.#chart.show(this.#points);
  }

  // The value that is pointed at, else the newest.
  #read(indices) {
    const [times, values] = this.#points;
    const index = indices ? indices[0] : times.at(-1) > -LONGEST_GAP ? times.length - 1 : null;
    const small = document.createElement("small");
    const ago = indices && index !== null ? `, ${Math.round(-times[index])} s ago` : "";
    small.textContent = ` ${this.#options.unit}${ago}`;
    const value = index === null ? null : values[index];
    this.#value.replaceChildren(value === null ? "–" : value.toFixed(this.#options.digits), small);
  }
}
