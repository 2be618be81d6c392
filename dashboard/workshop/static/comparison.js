// Two models on the same frames: the frames in a chosen order, both overlays of one of them, and the tables.
import { ask, tryCall } from "../../static/calls.js";
import { element, make, onSubmit, setText } from "../../static/page.js";
import { drawPicture, readMask } from "../../static/picture.js";
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
const KEPT = 40; // decoded frames

export class Comparison {
  #number = 0; // of the comparison that the rows belong to
  #rows = [];
  #ordered = [];
  #contents = new Map(); // frame -> promise of its pictures
  #content = null;
  #shown = null; // the row that is drawn
  #running = false;

  constructor() {
    onSubmit("comparing", () => this.#startOrStop());
    element("source").addEventListener("change", () => this.#showFolderField());
    element("order").addEventListener("change", () => this.#arrange(true));
    element("scrub").addEventListener("input", () => this.#showSelected());
    element("opacity").addEventListener("input", () => this.#draw());
    for (const choice of document.querySelectorAll("input[name=overlay]")) {
      choice.addEventListener("change", () => this.#draw());
    }
    drawOnChange(element("sides"), () => this.#draw());
  }

  list(models, recordings) {
    for (const side of SIDES) fill(element(side), models);
    if (models.length > 1 && element("first").value === element("second").value) element("second").value = models[1];
    const names = [...recordings.map((each) => each.name), FOLDER];
    fill(element("source"), names, (name) => (name === FOLDER ? "a folder…" : name));
    this.#showFolderField();
  }

  async refresh() {
    const answer = await ask(`/api/workshop/comparison?from=${this.#rows.length}`);
    if (answer.process.number !== this.#number) {
      this.#number = answer.process.number;
      [this.#rows, this.#shown, this.#content] = [[], null, null];
      this.#contents.clear();
      element("tables").replaceChildren();
      return this.refresh();
    }
    this.#running = !["ended", "idle"].includes(answer.process.state);
    setText(element("compare-button"), this.#running ? "Stop" : "Compare");
    this.#showProcess(answer);
    if (answer.rows.length) {
      this.#rows.push(...answer.rows);
      this.#arrange(this.#shown === null);
    }
    element("result").hidden = this.#rows.length === 0;
    SIDES.forEach((side, i) => setText(element(`${side}-name`), answer.models?.[i] ?? ""));
    if (answer.tables && !element("tables").children.length) element("tables").append(...answer.tables.map(makeTable));
  }

  #showProcess({ process, frames, models }) {
    const failed = process.state === "ended" && process.exit_status !== 0 && process.exit_status !== 130;
    setText(element("compare-complaint"), failed ? (process.lines ?? ["It failed."]).join("\n") : "");
    const done = `${this.#rows.length} of ${frames ?? "…"} frames`;
    const states = {
      idle: "Nothing has been compared yet.",
      running: models ? `Comparing: ${done}` : "Loading both models…",
      stopping: "Stopping…",
      ended: failed ? "" : process.exit_status === 130 ? `Stopped after ${done}.` : `${frames} frames compared.`,
    };
    setText(element("compare-state"), states[process.state]);
  }

  #arrange(fromStart) {
    this.#ordered = [...this.#rows].sort(ORDERS[element("order").value]);
    element("scrub").max = this.#ordered.length - 1;
    element("scrub").value = fromStart ? 0 : this.#ordered.indexOf(this.#shown);
    this.#showSelected();
  }

  async #showSelected() {
    const index = Number(element("scrub").value);
    const row = this.#ordered[index];
    if (!row) return;
    const description = `${index + 1} of ${this.#ordered.length}: ${describe(row)}`;
    setText(element("frame-description"), description);
    element("scrub").setAttribute("aria-valuetext", description);
    this.#shown = row;
    const content = this.#load(row);
    for (const next of this.#ordered.slice(index + 1, index + 4)) this.#load(next);
    const loaded = await content;
    if (this.#shown !== row) return; // another one has been selected meanwhile
    this.#content = loaded;
    this.#draw();
  }

  #draw() {
    setText(element("opacity-value"), `${element("opacity").value} %`);
    if (!this.#content || !this.#shown) return;
    const { picture, truth, masks, problem } = this.#content;
    if (problem) return setText(element("frame-description"), problem);
    const labels = document.querySelector("input[name=overlay]:checked").value === "labels";
    const { differing_box: box } = this.#shown;
    const drawn = { size: [picture.height, picture.width], detection: box && !labels ? { box } : null };
    SIDES.forEach((side, i) => {
      const canvas = element(`${side}-view`);
      drawPicture(canvas, picture, labels ? truth : masks[i], element("opacity").value / 100, drawn);
      const result = describeResult(this.#shown, i);
      setText(element(`${side}-result`), result);
      canvas.setAttribute("aria-label", `Prediction of the ${side} model: ${result}`);
      canvas.dataset.frame = this.#shown.frame;
    });
  }

  #load(row) {
    const content = this.#contents.get(row.frame) ?? this.#fetch(row);
    this.#contents.delete(row.frame); // and to the end: the first ones are forgotten first
    this.#contents.set(row.frame, content);
    if (this.#contents.size > KEPT) this.#contents.delete(this.#contents.keys().next().value);
    return content;
  }

  async #fetch(row) {
    const number = this.#number;
    const file = async (part, name) => {
      const answer = await fetch(`/api/workshop/comparison/${number}/${part}/${encodeURIComponent(name)}`);
      if (!answer.ok) throw new Error(`${part}/${name}: ${answer.status}`);
      return answer.blob();
    };
    const mask = `${String(row.frame).padStart(6, "0")}.png`;
    try {
      const [picture, truth, ...masks] = await Promise.all([
        file("images", row.image).then((blob) => createImageBitmap(blob)),
        ...["ground_truth", ...SIDES].map((part) => file(part, mask).then(readMask)),
      ]);
      return { picture, truth, masks };
    } catch {
      return { problem: "The pictures of this frame cannot be read." };
    }
  }

  #showFolderField() {
    element("folder-field").hidden = element("source").value !== FOLDER;
  }

  async #startOrStop() {
    const source = element("source").value;
    const request = {
      models: SIDES.map((side) => element(side).value),
      frames: element("frames").valueAsNumber || undefined,
      ...(source === FOLDER ? { data: element("folder").value.trim() } : { recording: source }),
    };
    const [path, body] = this.#running ? ["stop", {}] : ["start", request];
    if (await tryCall(`/api/workshop/comparison/${path}`, body, element("compare-complaint"))) await this.refresh();
  }
}

function describe({ name, hero_pixels: pixels, gain }) {
  const target = pixels > 0 ? `target of ${Math.round(pixels)} px` : "no target";
  const change = Math.abs(gain) < 0.005 ? "no change" : `${gain > 0 ? "gained" : "lost"} ${Math.abs(gain).toFixed(2)}`;
  return `${name} · ${target} · ${change}`;
}

function describeResult({ hero_pixels: pixels, hero_iou: iou, detected }, side) {
  if (pixels > 0) return `IoU ${iou[side].toFixed(2)}${detected[side] ? "" : ", missed"}`;
  return detected[side] ? "false positive" : "true negative";
}

function makeTable({ title, header, rows }) {
  const table = make("table", {}, make("caption", {}, title));
  table.createTHead().append(make("tr", {}, ...header.map((text) => make("th", { scope: "col" }, text))));
  table.createTBody().append(...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text)))));
  return make("div", { className: "table" }, table);
}
