// A training: its state in words, curves, pictures and output; stop and resume.
import { fetchJson, post } from "../../static/calls.js";
import { Chart } from "../../static/charts.js";
import { duration, element, make, setText } from "../../static/page.js";
import { fill } from "./choices.js";

const PICTURES = {
  "examples.png": "Validation frames with the current predictions: outlines of the ground truth (cyan) and of the prediction (yellow)",
  "retrain.png": "Before and after",
  "retrain-corrected.png": "Frames that a person corrected: before on the left, after on the right",
  "retrain-learnt.png": "Frames that a person corrected, trained on: before on the left, after on the right",
  "retrain-gained.png": "Frames gained: before on the left, after on the right",
  "retrain-lost.png": "Frames lost: before on the left, after on the right",
};
const ENDS = { 0: ["done", "Done"], 3: ["done", "Done, no gain"], 130: ["stopped", "Stopped"] }; // by exit status
const ERROR_LINES = 12; // of output that are shown when a training has failed
const BAND_INKS = ["--truth", "--accent", "--found", "--hero"]; // from small to large targets

export class Training {
  chosen = false; // by the user; otherwise the newest is shown
  #curves = null; // charts
  #select = element("chosen");
  #shown = null; // name and version of the rows that the curves have

  constructor() {
    this.#select.addEventListener("change", () => {
      this.chosen = true;
      this.refresh();
    });
    for (const id of ["stop", "resume"]) element(id).addEventListener("click", () => this.#act(id));
  }

  // Lists the trainings; `current` is the latest one that was started here, `bands` are those of target sizes.
  list(trainings, current, bands) {
    this.#curves ??= makeCurves(element("curves"), bands);
    const names = trainings.map((each) => each.name);
    if (current.name && !names.includes(current.name)) names.unshift(current.name);
    const stays = this.chosen && names.includes(this.#select.value);
    fill(this.#select, names);
    if (!stays) this.#select.value = current.name ?? names[0] ?? "";
    this.#select.disabled = names.length === 0;
  }

  async refresh() {
    const name = this.#select.value;
    if (!name) return;
    const seen = this.#shown?.name === name ? this.#shown.version : "";
    const training = await fetchJson(`${address(name)}?seen=${encodeURIComponent(seen)}`);
    if (name !== this.#select.value) return;
    if (training.rows) {
      this.#shown = { name, version: training.version };
      for (const chart of this.#curves) chart.show(training.rows);
    }
    this.#show(training);
  }

  #show(training) {
    const [state, word, detail] = describe(training);
    element("training").dataset.state = state;
    element("training").dataset.name = training.name;
    setText(element("training-word"), word);
    setText(element("training-detail"), detail);
    element("progress").hidden = (training.done ?? null) === null;
    element("progress").value = training.done ?? 0;
    const { process } = training;
    const running = process && process.state !== "ended" && process.state !== "idle";
    const authorised = !element("train").hidden;
    element("stop").hidden = !running || !authorised;
    element("stop").disabled = process?.state === "stopping";
    element("resume").hidden = running || !training.resumable || !authorised;
    const error = state === "failed" ? process.lines?.slice(-ERROR_LINES) : null;
    setText(element("training-error"), error?.join("\n") ?? "");
    this.#showPictures(training);
    setText(element("command"), process?.command ?? "");
    setText(element("lines"), process?.lines?.join("\n") ?? "");
  }

  #showPictures({ name, pictures = {} }) {
    const container = element("training-pictures");
    const sources = Object.entries(pictures).map(([file, made]) => `${address(name, file)}?made=${made}`);
    if (container.dataset.shown === sources.join()) return;
    container.dataset.shown = sources.join();
    const captions = Object.keys(pictures).map((file) => PICTURES[file]);
    container.replaceChildren(...captions.map((alt, i) => (
      make("figure", {}, make("figcaption", {}, alt), make("img", { src: sources[i], alt }))
    )));
  }

  async #act(action) {
    if (await post(address(this.#select.value, action), {}, element("page-error"))) await this.refresh();
  }
}

function address(...parts) {
  return ["/api/workshop/trainings", ...parts.map(encodeURIComponent)].join("/");
}

// [state, word, detail]
function describe(training) {
  const { process, epochs = 0, minutes = 0, done, verdict } = training;
  const trained = `${epochs} epochs in ${duration(60 * minutes)}`;
  if (!process || process.state === "idle") {
    if (!epochs) return ["stopped", "Not started", ""];
    return done >= 1 ? ["done", "Done", join(trained, verdict)] : ["stopped", "Not finished", trained];
  }
  if (process.state === "ended") {
    const [state, word] = ENDS[process.exit_status] ?? ["failed", "Failed"];
    return [state, word, join(epochs && trained, verdict, state === "stopped" && training.resumable && "can be resumed")];
  }
  if (process.state === "stopping") return ["running", "Stopping…", "after the current step"];
  if (!epochs) {
    const seconds = Date.now() / 1000 - process.started;
    return ["running", "Preparing", `reading frames and building the network, for ${duration(seconds)}`];
  }
  if (done >= 1) return ["running", "Evaluating", `after ${duration(60 * minutes)} of training`];
  const speed = `${training.images_per_second?.toFixed(1) ?? "–"} images/s`;
  const left = training.left === null ? "" : `${duration(training.left)} left`;
  return ["running", "Training", join(`epoch ${epochs}`, speed, left)];
}

function join(...parts) {
  return parts.filter(Boolean).join(" · ");
}

// Returns the charts; `bands` are the names of the bands of target sizes, as in the figures.
function makeCurves(container, bands) {
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
    lines: lines.map((line) => ({ ...line, spanGaps: true, describe: (rows, index) => describeValue(rows, index, line.key) })),
    x: { key: "minutes", range: (chart, low, high) => [0, high || 1], format: (minutes) => `${+minutes.toPrecision(3)} min` },
  }));
}

// The value that is pointed at, else the newest.
function describeValue(rows, index, key) {
  const row = index === undefined ? rows.findLast((each) => Number.isFinite(each[key])) : rows[index];
  return row?.[key]?.toPrecision(3) ?? "–";
}
