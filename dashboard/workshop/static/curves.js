// Figures of a training over its minutes, a few lines in each chart.
import { Chart } from "../../static/charts.js";

const CHARTS = [
  { title: "Loss", lines: [{ key: "loss", name: "loss", ink: "--accent" }] },
  {
    title: "Hero IoU",
    lines: [
      { key: "hero_iou_train", name: "training", ink: "--accent" },
      { key: "hero_iou", name: "validation", ink: "--hero" },
      { key: "score", name: "score", ink: "--text" },
    ],
  },
  { title: "Validation: hero IoU by target size", lines: bySize("iou") },
  {
    title: "Validation: recall by target size, and false-positive rate",
    lines: [...bySize("recall"), { key: "false_positive_rate", name: "false positives", ink: "--bad" }],
  },
];

function bySize(figure) {
  const inks = { "under 15 px": "--truth", "15-50 px": "--accent", "50-400 px": "--found", "over 400 px": "--hero" };
  return Object.entries(inks).map(([size, ink]) => ({ key: `${figure} ${size}`, name: size, ink }));
}

export class Curves {
  #curves;

  constructor(container) {
    this.#curves = CHARTS.map((chart) => new Curve(container, chart));
  }

  show(rows) {
    for (const curve of this.#curves) curve.show(rows);
  }
}

class Curve {
  #lines;
  #values; // outputs
  #chart;
  #data = [[]];

  constructor(container, { title, lines }) {
    this.#lines = lines;
    const [section, heading, plot, legend] = ["section", "h3", "div", "ul"].map((tag) => document.createElement(tag));
    section.className = "curve";
    heading.textContent = title;
    plot.className = "plot";
    this.#values = lines.map(({ name, ink }) => {
      const [item, value] = ["li", "output"].map((tag) => document.createElement(tag));
      item.dataset.ink = ink;
      item.append(`${name} `, value);
      legend.append(item);
      return value;
    });
    section.append(heading, plot, legend);
    container.append(section);
    this.#chart = new Chart(plot, {
      label: `${title} over the minutes of training`,
      lines: lines.map(({ ink }) => ({ ink, spanGaps: true })),
      x: { range: (chart, low, high) => [0, high || 1], format: (minutes) => `${+minutes.toPrecision(3)} min` },
      onRead: (indices) => this.#read(indices),
    });
  }

  show(rows) {
    this.#data = [rows.map((row) => row.minutes), ...this.#lines.map(({ key }) => rows.map((row) => row[key] ?? null))];
    this.#chart.show(this.#data);
  }

  // The values that are pointed at, else the newest.
  #read(indices) {
    this.#values.forEach((output, i) => {
      const values = this.#data[i + 1] ?? [];
      const value = indices ? values[indices[i]] : values.findLast((each) => each !== null);
      output.textContent = value?.toPrecision(3) ?? "–";
    });
  }
}
