// Figures of a training over its minutes, a few lines in each chart. Point at one to read what was then.
import { colour, fitCanvas, rem } from "../../static/theme.js";

const CHARTS = [
  { title: "Loss", lines: [{ key: "loss", name: "loss", ink: "--accent" }] },
  {
    title: "Hero IoU",
    lines: [
      { key: "hero_iou_train", name: "while learning", ink: "--accent" },
      { key: "hero_iou", name: "measured", ink: "--hero" },
      { key: "score", name: "score", ink: "--text" },
    ],
  },
  { title: "Measured hero IoU by the hero's pixels", lines: bySize("iou") },
  {
    title: "Heroes found by pixels, and wrong heroes",
    lines: [...bySize("recall"), { key: "false_heroes", name: "wrong", ink: "--bad" }],
  },
];

function bySize(figure) {
  const inks = { "under 15 px": "--truth", "15-50 px": "--accent", "50-400 px": "--found", "over 400 px": "--hero" };
  return Object.entries(inks).map(([size, ink]) => ({ key: `${figure} ${size}`, name: size, ink }));
}

export class Curves {
  #charts;
  #rows = [];

  constructor(container) {
    this.#charts = CHARTS.map((chart) => new Chart(container, chart));
    new ResizeObserver(() => this.draw()).observe(container);
  }

  show(rows) {
    this.#rows = rows;
    this.draw();
  }

  draw() {
    for (const chart of this.#charts) chart.draw(this.#rows);
  }
}

class Chart {
  #lines;
  #title;
  #canvas = document.createElement("canvas");
  #values = [];
  #pointer = null; // pixels from the left
  #rows = [];

  constructor(container, { title, lines }) {
    [this.#title, this.#lines] = [title, lines];
    const section = document.createElement("section");
    section.className = "curve";
    const heading = document.createElement("h3");
    heading.textContent = title;
    const plot = document.createElement("div");
    plot.className = "plot";
    this.#canvas.setAttribute("role", "img");
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.#canvas.addEventListener("pointerleave", () => this.#point(null));
    plot.append(this.#canvas);
    const legend = document.createElement("ul");
    for (const { name, ink } of lines) {
      const item = document.createElement("li");
      item.dataset.ink = ink;
      const value = document.createElement("output");
      item.append(`${name} `, value);
      this.#values.push(value);
      legend.append(item);
    }
    section.append(heading, plot, legend);
    container.append(section);
  }

  #point(pointer) {
    this.#pointer = pointer;
    this.draw(this.#rows);
  }

  draw(rows) {
    this.#rows = rows;
    const context = fitCanvas(this.#canvas);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    const size = 0.68 * rem();
    const [base, right] = [height - 1.6 * size, width - 0.4 * size];
    const last = rows.at(-1)?.minutes || 1;
    const top = niceAbove(Math.max(1e-3, ...this.#lines.flatMap(({ key }) => rows.map((row) => row[key] ?? 0))));
    const x = (minutes) => (right * minutes) / last;
    const y = (value) => base - (base - 0.6 * size) * (value / top);
    context.font = `${size}px system-ui, sans-serif`;
    context.lineWidth = 1;
    context.strokeStyle = colour("--line");
    for (const level of [0, top / 2, top]) {
      context.beginPath();
      context.moveTo(0, Math.round(y(level)) + 0.5);
      context.lineTo(width, Math.round(y(level)) + 0.5);
      context.stroke();
    }
    const moment = this.#pointer === null ? null : (last * this.#pointer) / right;
    this.#lines.forEach(({ key, ink }, place) => {
      const points = rows.filter((row) => row[key] !== null && row[key] !== undefined);
      trace(context, points.map((row) => [x(row.minutes), y(row[key])]), ink, size);
      const read = moment === null ? points.at(-1) : nearest(points, moment);
      this.#values[place].textContent = read ? read[key].toPrecision(3) : "–";
      if (read && moment !== null) dot(context, x(read.minutes), y(read[key]), 0.3 * size, "--text");
    });
    context.fillStyle = colour("--muted");
    context.textBaseline = "top";
    context.fillText(String(+top.toPrecision(3)), 2, y(top) + 2);
    context.textBaseline = "bottom";
    context.fillText("0", 0, height);
    context.textAlign = "right";
    context.fillText(`${+last.toPrecision(3)} min`, width, height);
    context.textAlign = "left";
    this.#describe(rows);
  }

  #describe(rows) {
    const newest = this.#lines.map(({ key, name }) => {
      const row = rows.findLast((each) => each[key] !== null && each[key] !== undefined);
      return row ? `${name} ${row[key].toPrecision(3)}` : null;
    });
    const words = newest.filter(Boolean).join(", ") || "nothing yet";
    this.#canvas.setAttribute("aria-label", `${this.#title} over the minutes of training: ${words}`);
    this.#canvas.dataset.points = rows.length;
  }
}

function trace(context, points, ink, size) {
  context.strokeStyle = colour(ink);
  context.lineWidth = 1.6;
  context.lineJoin = "round";
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
  if (points.length < 20) for (const point of points) dot(context, ...point, 0.16 * size, ink); // measured now and then
}

function dot(context, x, y, radius, ink) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.fillStyle = colour(ink);
  context.fill();
}

function nearest(rows, minutes) {
  const off = (row) => Math.abs(row.minutes - minutes);
  return rows.reduce((best, row) => (best && off(best) <= off(row) ? best : row), undefined);
}

function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 4, 6, 8, 10].find((step) => step * power >= value * 0.999);
}
