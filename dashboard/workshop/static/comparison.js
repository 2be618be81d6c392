// The comparison of two models: its form, its progress, its tables, and its frames with the predictions of both models.
import { fetchJson, post, fetchBlob } from "../../static/calls.js";
import { chosen, element, make, onSubmit, setText } from "../../static/page.js";
import { drawPicture, readMask, remember, whyNot } from "../../static/picture.js";
import { drawOnChange } from "../../static/theme.js";
import { fill } from "./choices.js";

const SIDES = ["first", "second"];
const FOLDER = "/"; // the choice of a folder to be typed; no recording has this name
const ORDERS = {
  gained: (one, other) => other.gain - one.gain,
  lost: (one, other) => one.gain - other.gain,
  differs: (one, other) => other.differing_pixels - one.differing_pixels,
  frame: () => 0,
};
const MAX_CACHED = 40; // decoded frames
const PREFETCHED = 3; // frames ahead whose pictures are fetched in advance

export class Comparison {
  #number = 0;
  #running = false;
  #rows = []; // of the frames
  #ordered = [];
  #fetched = remember(MAX_CACHED, fetchPictures);
  #shown = null; // the row that is drawn
  #pictures = null; // of this row

  constructor() {
    onSubmit("comparing", () => this.#startOrStop());
    element("order").addEventListener("change", () => this.#arrange(true));
    element("scrub").addEventListener("input", () => this.#showSelected());
    element("opacity").addEventListener("input", () => this.#draw());
    element("overlay").addEventListener("change", () => this.#draw());
    drawOnChange(element("sides"), () => this.#draw());
  }

  list(models, recordings) {
    for (const side of SIDES) fill(element(side), models);
    if (models.length > 1 && element("first").value === element("second").value) element("second").value = models[1];
    const names = [...recordings.map((each) => each.name), FOLDER];
    fill(element("source"), names, (name) => (name === FOLDER ? "a folder…" : name));
  }

  async refresh() {
    const from = this.#rows.length;
    const answer = await fetchJson(`/api/workshop/comparison?from=${from}`);
    if (answer.process.number !== this.#number) {
      this.#number = answer.process.number;
      [this.#rows, this.#shown, this.#pictures] = [[], null, null];
      element("tables").replaceChildren();
      this.#showClasses(answer.classes ?? []);
      return this.refresh();
    }
    if (from !== this.#rows.length) return; // another call, at the same time, has brought these rows
    this.#rows.push(...answer.rows);
    element("result").hidden = this.#rows.length === 0;
    if (answer.rows.length) this.#arrange(this.#shown === null);
    this.#showProcess(answer);
    if (answer.classes && !element("own-classes").children.length) this.#showClasses(answer.classes);
    SIDES.forEach((side, i) => setText(element(`${side}-name`), answer.models?.[i] ?? ""));
    if (answer.tables && !element("tables").children.length) element("tables").append(...answer.tables.map(makeTable));
  }

  // The legend: of a dataset's own classes ({ name, colour }), else the usual one.
  #showClasses(classes) {
    const keys = classes.map(({ name, colour }) => {
      const key = make("span", { className: "key" }, name);
      key.style.setProperty("--ink", colour);
      return key;
    });
    element("own-classes").replaceChildren(...keys);
    element("usual-classes").hidden = keys.length > 0;
  }

  #showProcess({ process, frames, models }) {
    this.#running = !["ended", "idle"].includes(process.state);
    setText(element("compare-button"), this.#running ? "Stop" : "Compare");
    const failed = process.state === "ended" && process.exit_status !== 0 && process.exit_status !== 130;
    setText(element("compare-error"), failed ? (process.lines ?? ["It failed."]).join("\n") : "");
    const done = `${this.#rows.length} of ${frames ?? "…"} frames`;
    const states = {
      idle: "Nothing has been compared yet.",
      running: models ? `Comparing: ${done}` : "Loading both models…",
      stopping: "Stopping…",
      ended: failed ? "" : process.exit_status === 130 ? `Stopped after ${done}.` : `${frames} frames compared.`,
    };
    setText(element("compare-state"), states[process.state]);
  }

  async #startOrStop() {
    const source = element("source").value;
    const request = {
      models: SIDES.map((side) => element(side).value),
      frames: element("frames").valueAsNumber || undefined,
      ...(source === FOLDER ? { data: element("folder").value.trim() } : { recording: source }),
    };
    const [path, body] = this.#running ? ["stop", {}] : ["start", request];
    if (await post(`/api/workshop/comparison/${path}`, body, element("compare-error"))) await this.refresh();
  }

  #arrange(fromStart) {
    this.#ordered = [...this.#rows].sort(ORDERS[element("order").value]);
    element("scrub").max = this.#ordered.length - 1;
    element("scrub").value = fromStart ? 0 : this.#ordered.indexOf(this.#shown);
    this.#showSelected();
  }

  async #showSelected() {
    const index = element("scrub").valueAsNumber;
    const row = this.#ordered[index];
    if (!row) return;
    const description = `${index + 1} of ${this.#ordered.length}: ${describe(row)}`;
    setText(element("frame-description"), description);
    element("scrub").ariaValueText = description;
    this.#shown = row;
    const load = (each) => this.#fetched(`${this.#number} ${each.frame}`, this.#number, each);
    const [loading] = this.#ordered.slice(index, index + 1 + PREFETCHED).map(load);
    const pictures = await loading.catch((error) => ({ problem: `The pictures of this frame ${whyNot(error)}.` }));
    if (this.#shown !== row) return; // another one has been selected meanwhile
    this.#pictures = pictures;
    this.#draw();
  }

  #draw() {
    setText(element("opacity-value"), `${element("opacity").value} %`);
    if (!this.#pictures || !this.#shown) return;
    const { picture, truth, masks, problem } = this.#pictures;
    if (problem) return setText(element("frame-description"), problem);
    const labels = chosen("overlay") === "labels";
    const { differing_box: box } = this.#shown;
    const drawn = { size: [picture.height, picture.width], detection: box && !labels ? { box } : null };
    SIDES.forEach((side, i) => {
      const canvas = element(`${side}-view`);
      drawPicture(canvas, picture, labels ? truth : masks[i], element("opacity").value / 100, drawn);
      const result = describeResult(this.#shown, i);
      setText(element(`${side}-result`), result);
      canvas.ariaLabel = `Prediction of the ${side} model: ${result}`;
      canvas.dataset.frame = this.#shown.frame;
    });
  }
}

async function fetchPictures(number, row) {
  const file = (part, name) => fetchBlob(`/api/workshop/comparison/${number}/${part}/${encodeURIComponent(name)}`);
  const mask = `${String(row.frame).padStart(6, "0")}.png`;
  const [picture, truth, ...masks] = await Promise.all([
    file("images", row.image).then((blob) => createImageBitmap(blob)),
    ...["ground_truth", ...SIDES].map((part) => file(part, mask).then(row.mean_iou ? createImageBitmap : readMask)),
  ]);
  return { picture, truth, masks };
}

function describe({ name, hero_pixels: pixels, gain, mean_iou: own }) {
  const target = own && !pixels ? "classes of its own" : pixels > 0 ? `target of ${Math.round(pixels)} px` : "no target";
  const change = Math.abs(gain) < 0.005 ? "no change" : `${gain > 0 ? "gained" : "lost"} ${Math.abs(gain).toFixed(2)}`;
  return `${name} · ${target} · ${change}`;
}

function describeResult({ hero_pixels: pixels, hero_iou: iou, detected, mean_iou: own }, side) {
  if (own) return `mean IoU ${own[side]?.toFixed(2) ?? "–"}`; // the masks are in the colours of the dataset's classes
  if (pixels > 0) return `IoU ${iou[side].toFixed(2)}${detected[side] ? "" : ", missed"}`;
  return detected[side] ? "false positive" : "true negative";
}

function makeTable({ title, header, rows }) {
  const table = make("table", {}, make("caption", {}, title));
  table.createTHead().append(make("tr", {}, ...header.map((text) => make("th", { scope: "col" }, text))));
  table.createTBody().append(...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text)))));
  return make("div", { className: "table" }, table);
}
