// Figures of a training over its minutes, a few lines in each chart.
import { Chart } from "../../static/charts.js";

const BAND_INKS = ["--truth", "--accent", "--found", "--hero"]; // from small to large targets

// Returns the charts; `bands` are the names of the bands of target sizes, as in the figures.
export function makeCurves(container, bands) {
  const bySize = (figure) => bands.map((band, i) => ({ key: `${figure} ${band}`, name: band, ink: BAND_INKS[i] }));
  const charts = {
    "Loss": [{ key: "loss", name: "loss", ink: "--accent" }],
    "Hero IoU": [
      { key: "hero_iou_train", name: "training", ink: "--accent" },
      { key: "hero_iou", name: "validation", ink: "--hero" },
      { key: "score", name: "score", ink: "--text" },
    ],
    "Validation: hero IoU by target size": bySize("iou"),
    "Validation: recall by target size, and false-positive rate": [
      ...bySize("recall"),
      { key: "false_positive_rate", name: "false positives", ink: "--bad" },
    ],
  };
  return Object.entries(charts).map(([title, lines]) => new Chart(container, {
    title,
    over: "over the minutes of training",
    lines: lines.map((line) => ({ ...line, spanGaps: true, describe: (rows, index) => describe(rows, index, line.key) })),
    x: { key: "minutes", range: (chart, low, high) => [0, high || 1], format: (minutes) => `${+minutes.toPrecision(3)} min` },
  }));
}

// The value that is pointed at, else the newest.
function describe(rows, index, key) {
  const row = index === undefined ? rows.findLast((each) => Number.isFinite(each[key])) : rows[index];
  return row?.[key]?.toPrecision(3) ?? "–";
}
