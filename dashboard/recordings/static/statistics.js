// Statistics of a recording or of a selection of its frames, computed by the follower (dataset/recordings/statistics.py).
import { fetchJson } from "../../static/calls.js";
import { Chart } from "../../static/charts.js";
import { element, make } from "../../static/page.js";
import { LABEL_SOURCES } from "./frames.js";
import { callAddress } from "./recording.js";

const MIN_PAUSE = 200; // milliseconds between two requests
const HISTOGRAMS = [
  { title: "Target size", key: "size", unit: "px at 256×256", ink: "--hero", log: true, ticks: [4, 15, 50, 400, 4000] },
  { title: "Range", key: "range", unit: "m", ink: "--hero" },
  { title: "Latency", key: "latency", unit: "ms", ink: "--accent" },
];

// Returns a function that shows the statistics of frames such as "000012-000020" or "all". After each answer it pauses
// ten times as long as that took, so that a flight is not slowed down; of calls during the pause, the last one counts.
export function setUpStatistics(recording, onAnswer) {
  const histograms = HISTOGRAMS.map(makeHistogram);
  let [wanted, busy] = [null, false];
  return async (selection) => {
    wanted = selection;
    if (busy) return;
    busy = true;
    while (wanted) {
      const query = new URLSearchParams({ frames: wanted });
      wanted = null;
      const start = performance.now();
      const statistics = await fetchJson(`${callAddress(recording, "statistics")}?${query}`).catch(() => null);
      if (statistics) {
        showNumbers(statistics);
        for (const show of histograms) show(statistics);
        onAnswer(statistics);
      }
      const pause = Math.max(MIN_PAUSE, 10 * (performance.now() - start));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    busy = false;
  };
}

function showNumbers(statistics) {
  const { labels, size_bands: bands, wrong_target: wrong, unreadable, range, latency } = statistics;
  const numbers = {
    "frames": statistics.frames,
    "hidden from training": statistics.hidden,
    "not recorded in between": statistics.not_recorded,
    "with the target": statistics.visible,
    ...Object.fromEntries(bands),
    "found, lost": `${statistics.found}, ${statistics.lost} times`,
    ...(wrong !== null && { "wrong person followed": wrong }),
    "labels": Object.entries(labels).map(([source, count]) => `${count} ${LABEL_SOURCES[source] ?? source}`).join(", ") || "–",
    "median range": range.median === null ? "–" : `${range.median.toFixed(1)} m`,
    "median latency": latency.median === null ? "–" : `${latency.median.toFixed(1)} ms`,
    ...(unreadable && { "unreadable lines": unreadable }),
  };
  element("numbers").replaceChildren(
    ...Object.entries(numbers).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))),
  );
}

// Returns a function that shows this distribution of some statistics.
function makeHistogram({ title, key, unit, ink, log = false, ticks }) {
  let [edges, median] = [[1, 2], null];
  const number = (value) => +value.toPrecision(3);
  const describe = (bins, index) => { // the bar that is pointed at, else the median
    const bin = bins[index];
    if (bin) return `${bin.count} frames at ${number(bin.low)} to ${number(bin.high)} ${unit}`;
    return median === null ? "" : `median ${number(median)} ${unit}`;
  };
  const bars = { width: 0, paths: uPlot.paths.bars({ size: [0.92, 100] }), points: { filter: () => [] } };
  const chart = new Chart(element("histograms"), {
    title,
    over: "as a histogram",
    lines: [{ key: "count", ink, alpha: 1, ...bars, describe }],
    x: { key: "middle", distr: log ? 3 : 1, range: () => [edges[0], edges.at(-1)], ticks },
    least: 4,
  });
  return ({ [key]: distribution }) => {
    ({ edges, median } = distribution);
    chart.show(distribution.counts.map((count, i) => {
      const [low, high] = edges.slice(i, i + 2);
      return { count, low, high, middle: log ? Math.sqrt(low * high) : (low + high) / 2 };
    }));
  };
}
