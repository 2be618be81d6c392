// The last minute as small charts: latency, frame rate, skipped frames, the target's area and range.
import { Chart } from "../../static/charts.js";
import { make } from "../../static/page.js";

const WINDOW = 60; // seconds
const RATE_WINDOW = 2; // seconds over which rates are counted
const LONGEST_GAP = 2; // seconds between rows that are connected by a line
const HISTORY = 120; // seconds of rows, for the map's trails

const CHARTS = [
  { title: "Latency", key: "latency", unit: "ms", least: 20 },
  { title: "Frame rate", key: "fps", unit: "fps", least: 6 },
  { title: "Skipped", key: "skips", unit: "per second", least: 2 },
  { title: "Target area", key: "area", unit: "px", least: 100, digits: 0, ink: "--hero" },
  { title: "Range", key: "range", unit: "m", least: 10, ink: "--hero" },
];

export class Timelines {
  fields = []; // names of the columns
  rows = [];
  #charts;

  constructor(container) {
    this.#charts = CHARTS.map(({ title, key, unit, least, digits = 1, ink = "--accent" }) => new Chart(container, {
      title,
      over: "over the last minute",
      lines: [{ key, ink, alpha: 0.13, describe: (rows, index) => describe(rows, index, key, unit, digits) }],
      x: { key: "seconds", range: [-WINDOW, 0], ticks: [-30, 0], format: (x) => (x ? `${-x} s ago` : "now") },
      least,
      reach: LONGEST_GAP,
    }));
  }

  add(rows, now) {
    for (const values of rows) {
      const row = Object.fromEntries(this.fields.map((field, i) => [field, values[i]]));
      this.rows.push(row);
      this.#addRates(row);
    }
    // Rows from the future were made before the clock was set back.
    this.rows = this.rows.filter((row) => row.time > now - HISTORY && row.time <= now + 1);
    this.#show(now);
  }

  clear() {
    this.rows = [];
    this.#show(0);
  }

  #show(now) {
    const shown = this.rows.map((row) => ({ ...row, seconds: row.time - now })).filter((row) => row.seconds > -WINDOW);
    const points = shown.flatMap((row, i) => {
      const gap = i && row.time - shown[i - 1].time > LONGEST_GAP;
      return gap ? [{ seconds: row.seconds }, row] : [row];
    });
    for (const chart of this.#charts) chart.show(points);
  }

  #addRates(row) {
    const recent = this.rows.slice(this.rows.findLastIndex((each) => each.time <= row.time - RATE_WINDOW) + 1);
    const count = (field) => recent.reduce((sum, each) => sum + each[field], 0);
    const seconds = row.time - recent[0].time;
    row.fps = seconds > 0.5 ? (count("frames") - recent[0].frames) / seconds : null;
    row.skips = count("skipped") / RATE_WINDOW;
  }
}

// The value that is pointed at, else the newest.
function describe(rows, index, key, unit, digits) {
  const newest = rows.at(-1)?.seconds > -LONGEST_GAP ? rows.at(-1) : null;
  const row = index === undefined ? newest : rows[index];
  const ago = row && index !== undefined ? `, ${Math.round(-row.seconds)} s ago` : "";
  return [row?.[key]?.toFixed(digits) ?? "–", make("small", {}, ` ${unit}${ago}`)];
}
