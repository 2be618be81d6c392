// Statistics of a recording or of a selection of its frames, computed by the follower (dataset/recordings/statistics.py).
import { ask } from "../../static/calls.js";
import { Chart } from "../../static/charts.js";
import { element, make } from "../../static/page.js";
import { callAddress } from "./recording.js";

const MIN_PAUSE = 200; // milliseconds between two requests
const LABELS = { simulator: "ground truth", model: "pseudo-labels" };
const HISTOGRAMS = [
  { name: "Target size", key: "size", unit: "px at 256×256", ink: "--hero", log: true, ticks: [4, 15, 50, 400, 4000] },
  { name: "Range", key: "range", unit: "m", ink: "--hero" },
  { name: "Latency", key: "latency", unit: "ms", ink: "--accent" },
];

export class Statistics {
  #recording;
  #onAnswer;
  #wanted = null; // { selection }
  #busy = false;
  #histograms = HISTOGRAMS.map((options) => new Histogram(element("histograms"), options));

  constructor(recording, onAnswer) {
    [this.#recording, this.#onAnswer] = [recording, onAnswer];
  }

  // Shows the statistics of frames such as "000012-000020" or "all". After each answer it pauses ten times as long as
  // that took, since the follower may be in flight; of the requests in the meantime the last one counts.
  async show(selection) {
    this.#wanted = { selection };
    if (this.#busy) return;
    this.#busy = true;
    while (this.#wanted) {
      const query = new URLSearchParams({ frames: this.#wanted.selection });
      this.#wanted = null;
      const start = performance.now();
      const statistics = await ask(`${callAddress(this.#recording, "statistics")}?${query}`).catch(() => null);
      if (statistics) this.#draw(statistics);
      const pause = Math.max(MIN_PAUSE, 10 * (performance.now() - start));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#busy = false;
  }

  #draw(statistics) {
    const { labels, size_bands: bands, wrong_target: wrong, unreadable, range, latency } = statistics;
    const numbers = {
      "frames": statistics.frames,
      "hidden from training": statistics.hidden,
      "not recorded in between": statistics.not_recorded,
      "with the target": statistics.visible,
      ...Object.fromEntries(bands),
      "found, lost": `${statistics.found}, ${statistics.lost} times`,
      ...(wrong !== null && { "wrong person followed": wrong }),
      "labels": Object.entries(labels).map(([source, count]) => `${count} ${LABELS[source] ?? source}`).join(", ") || "–",
      "median range": range.median === null ? "–" : `${range.median.toFixed(1)} m`,
      "median latency": latency.median === null ? "–" : `${latency.median.toFixed(1)} ms`,
      ...(unreadable && { "unreadable lines": unreadable }),
    };
    element("numbers").replaceChildren(
      ...Object.entries(numbers).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
    );
    for (const histogram of this.#histograms) histogram.show(statistics);
    this.#onAnswer(statistics);
  }
}

class Histogram {
  #options;
  #output = make("output");
  #chart;
  #distribution = { median: null, edges: [1, 2], counts: [] };

  constructor(container, options) {
    this.#options = options;
    const plot = make("div", { className: "plot" });
    container.append(make("figure", {}, make("figcaption", {}, `${options.name} `, this.#output), plot));
    this.#chart = new Chart(plot, {
      label: `Histogram of ${options.name.toLowerCase()}`,
      lines: [{ ink: options.ink, alpha: 1, width: 0, paths: uPlot.paths.bars({ size: [0.92, 100] }), points: { filter: () => [] } }],
      x: {
        distr: options.log ? 3 : 1,
        range: () => [this.#distribution.edges[0], this.#distribution.edges.at(-1)],
        ticks: options.ticks,
      },
      least: 4,
      onRead: (indices) => this.#read(indices),
    });
  }

  show(statistics) {
    this.#distribution = statistics[this.#options.key];
    const { edges, counts } = this.#distribution;
    const middle = (low, high) => (this.#options.log ? Math.sqrt(low * high) : (low + high) / 2);
    this.#chart.show([counts.map((_, i) => middle(edges[i], edges[i + 1])), counts]);
  }

  // The bar that is pointed at, else the median.
  #read(indices) {
    const { edges, counts, median } = this.#distribution;
    const number = (value) => +value.toPrecision(3);
    const { unit } = this.#options;
    if (indices) {
      const [i] = indices;
      this.#output.textContent = `${counts[i]} frames at ${number(edges[i])} to ${number(edges[i + 1])} ${unit}`;
    } else {
      this.#output.textContent = median === null ? "" : `median ${number(median)} ${unit}`;
    }
  }
}
