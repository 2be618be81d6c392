// Numbers about frames, and their histograms. The sizes are those that training reports by; see recording/statistics.py.
import { element } from "../../static/page.js";
import { colour, fitCanvas, rem } from "../../static/theme.js";

const VISIBLE = 3; // more hero pixels than this: it is there
const SIZES = [[0, 15], [15, 50], [50, 400], [400, Infinity]]; // hero pixels in an image of 256x256
const HISTOGRAMS = [
  { name: "Hero's size", unit: "px at 256×256", of: "sizes", edges: geometric(4, 16384, 24), ink: "--hero", ticks: [4, 15, 50, 400, 4000] },
  { name: "Range", unit: "m", of: "metres", edges: even(24), ink: "--hero" },
  { name: "Latency", unit: "ms", of: "latencies", edges: even(24), ink: "--accent" },
];

export class Statistics {
  #histograms = HISTOGRAMS.map((kind) => new Histogram(element("histograms"), kind));
  #pixels; // of a frame

  constructor() {
    new ResizeObserver(() => this.draw()).observe(element("histograms"));
  }

  setFrameSize([height, width]) {
    this.#pixels = height * width;
  }

  show(frames, hidden, unreadable) {
    const visible = frames.filter((frame) => frame.hero > VISIBLE);
    const values = {
      sizes: visible.map((frame) => (frame.hero * 256 * 256) / this.#pixels),
      metres: frames.filter((frame) => frame.range).map((frame) => frame.range.metres),
      latencies: frames.map((frame) => frame.latency).filter((each) => each !== null),
    };
    const numbered = frames.filter((frame) => frame.number !== null);
    const missing = numbered.length ? numbered.at(-1).number - numbered[0].number + 1 - numbered.length : 0;
    const changes = (state) => frames.filter((frame) => frame.changed && frame.state === state).length;
    const labelled = (source) => frames.filter((frame) => frame.source === source).length;
    list(element("numbers"), [
      ["frames", `${frames.length}`],
      ["hidden from training", `${frames.filter((frame) => hidden.has(frame.name)).length}`],
      ["not recorded between", `${missing}`],
      ["with the hero", `${visible.length}`],
      ...SIZES.map(([low, high]) => [sizeName(low, high), `${values.sizes.filter((each) => each >= low && each < high).length}`]),
      ["found, lost", `${changes("found")}, ${changes("lost")} times`],
      ...(frames.some((frame) => frame.ground_truth) ? [["somebody else followed", `${frames.filter((frame) => frame.astray).length}`]] : []),
      ["labels", [["simulator", "the simulator's truth"], ["model", "the model's own"]]
        .filter(([source]) => labelled(source)).map(([source, words]) => `${labelled(source)} ${words}`).join(", ") || "–"],
      ["range, median", values.metres.length ? `${median(values.metres).toFixed(1)} m` : "–"],
      ["latency, median", values.latencies.length ? `${median(values.latencies).toFixed(1)} ms` : "–"],
      ...(unreadable ? [["unreadable lines", `${unreadable}`]] : []),
    ]);
    for (const histogram of this.#histograms) histogram.show(values);
  }

  draw() {
    for (const histogram of this.#histograms) histogram.draw();
  }
}

class Histogram {
  #kind;
  #canvas = document.createElement("canvas");
  #edges = [];
  #counts = [];

  constructor(container, kind) {
    this.#kind = kind;
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = `${kind.name}, ${kind.unit}`;
    const plot = document.createElement("div");
    plot.className = "plot";
    plot.append(this.#canvas);
    this.#canvas.setAttribute("role", "img");
    figure.append(caption, plot);
    container.append(figure);
  }

  show(values) {
    const { of, edges, name, unit } = this.#kind;
    const numbers = values[of];
    this.#edges = edges(numbers);
    this.#counts = new Array(this.#edges.length - 1).fill(0);
    for (const number of numbers) {
      const place = this.#edges.findLastIndex((edge) => number >= edge);
      this.#counts[Math.min(Math.max(place, 0), this.#counts.length - 1)]++;
    }
    const words = numbers.length ? `median ${median(numbers).toPrecision(3)} ${unit}` : "nothing measured";
    this.#canvas.setAttribute("aria-label", `Histogram of ${name.toLowerCase()}: ${words}`);
    this.draw();
  }

  draw() {
    const context = fitCanvas(this.#canvas);
    const [width, height] = [this.#canvas.clientWidth, this.#canvas.clientHeight];
    if (!width || !this.#counts.length) return;
    const size = 0.68 * rem();
    const base = height - 1.5 * size;
    const most = Math.max(...this.#counts, 1);
    const each = width / this.#counts.length;
    context.fillStyle = colour(this.#kind.ink);
    this.#counts.forEach((count, i) => {
      const tall = (count / most) * (base - 1.6 * size);
      context.fillRect(i * each + 0.5, base - tall, Math.max(each - 1, 1), tall);
    });
    context.fillStyle = colour("--line");
    context.fillRect(0, base, width, 1);
    context.fillStyle = colour("--muted");
    context.font = `${size}px system-ui, sans-serif`;
    context.textBaseline = "top";
    context.fillText(`${most} frames`, 2, 2);
    context.textBaseline = "bottom";
    for (const tick of this.#ticks()) {
      const x = width * this.#place(tick);
      context.textAlign = x < size ? "left" : x > width - 2 * size ? "right" : "center";
      context.fillText(`${+tick.toPrecision(3)}`, x, height);
    }
    context.textAlign = "left";
  }

  #ticks() {
    if (this.#kind.ticks) return this.#kind.ticks;
    const top = this.#edges.at(-1);
    return [0, top / 4, top / 2, (3 * top) / 4, top];
  }

  #place(value) { // 0 to 1
    const i = Math.min(Math.max(this.#edges.findLastIndex((edge) => value >= edge), 0), this.#counts.length - 1);
    const [low, high] = [this.#edges[i], this.#edges[i + 1]];
    return (i + (value - low) / (high - low)) / this.#counts.length;
  }
}

function geometric(first, last, count) {
  const edges = Array.from({ length: count + 1 }, (_, i) => first * (last / first) ** (i / count));
  return () => edges;
}

function even(count) { // from 0 to a round number above all but the last few of a hundred, which the last bar takes in
  return (values) => {
    const sorted = [...values].sort((one, other) => one - other);
    const top = roundAbove(Math.max(sorted[Math.floor((sorted.length - 1) * 0.97)] ?? 1, 1));
    return Array.from({ length: count + 1 }, (_, i) => (i * top) / count);
  };
}

function roundAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 4, 6, 8, 10].find((step) => step * power >= value * 0.999);
}

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle - 1)] + sorted[Math.floor(middle)]) / 2;
}

function sizeName(low, high) {
  if (high === Infinity) return `${low} px or more`;
  return low ? `${low} to ${high} px` : `under ${high} px`;
}

function list(target, rows) {
  target.replaceChildren(...rows.map(([name, value]) => {
    const group = document.createElement("div");
    const [term, words] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, words.textContent] = [name, value];
    group.append(term, words);
    return group;
  }));
}
