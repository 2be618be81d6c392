// Two models on the same frames: the frames in an order of choice, both overlays of one of them, and the tables.
import { ask, call } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";
import { drawPicture, readMask } from "../../static/picture.js";
import { fill } from "./choices.js";

const SIDES = ["first", "second"];
const FOLDER = "/"; // of the choices of data: a folder that is typed; no recording is called so
const ORDERS = {
  gained: (one, other) => other.gain - one.gain,
  lost: (one, other) => one.gain - other.gain,
  differs: (one, other) => other.differing_pixels - one.differing_pixels,
  frame: () => 0,
};
const KEPT = 40; // frames, decoded

export class Comparison {
  #number = 0; // of the comparison whose rows these are
  #rows = [];
  #ordered = [];
  #contents = new Map(); // frame -> promise of its pictures
  #content = null;
  #shown = null; // the row that is drawn
  #running = false;

  constructor() {
    onSubmit("comparing", () => this.#start());
    element("source").addEventListener("change", () => this.#askForFolder());
    element("order").addEventListener("change", () => this.#arrange(true));
    element("scrub").addEventListener("input", () => this.#turnTo());
    element("opacity").addEventListener("input", () => this.draw());
    for (const choice of document.querySelectorAll("input[name=overlay]")) {
      choice.addEventListener("change", () => this.draw());
    }
    new ResizeObserver(() => this.draw()).observe(element("sides"));
  }

  list(models, recordings) {
    for (const side of SIDES) fill(element(side), models);
    if (models.length > 1 && element("first").value === element("second").value) element("second").value = models[1];
    const names = [...recordings.map((each) => each.name), FOLDER];
    fill(element("source"), names, (name) => (name === FOLDER ? "a folder…" : name));
    this.#askForFolder();
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
    this.#describe(answer);
    if (answer.rows.length) {
      this.#rows.push(...answer.rows);
      this.#arrange(this.#shown === null);
    }
    element("result").hidden = this.#rows.length === 0;
    SIDES.forEach((side, place) => setText(element(`${side}-name`), answer.models?.[place] ?? ""));
    if (answer.tables && !element("tables").children.length) element("tables").append(...answer.tables.map(table));
  }

  draw() {
    setText(element("opacity-value"), `${element("opacity").value} %`);
    if (!this.#content || !this.#shown) return;
    const { picture, truth, masks, problem } = this.#content;
    if (problem) return setText(element("frame-words"), problem);
    const { differing_box: where } = this.#shown; // they differ
    const truly = document.querySelector("input[name=overlay]:checked").value === "truth";
    SIDES.forEach((side, place) => {
      const canvas = element(`${side}-view`);
      const drawn = { size: [picture.height, picture.width], detection: where && !truly ? { box: where } : null };
      drawPicture(canvas, picture, truly ? truth : masks[place], element("opacity").value / 100, drawn);
      const words = this.#words(this.#shown, place);
      setText(element(`${side}-words`), words);
      canvas.setAttribute("aria-label", `What the ${side} model sees: ${words}`);
      canvas.dataset.frame = this.#shown.frame;
    });
  }

  #describe({ process, frames, models }) {
    const complaint = process.state === "ended" && process.exit_status !== 0 && process.exit_status !== 130;
    setText(element("compare-complaint"), complaint ? (process.lines ?? ["It failed."]).join("\n") : "");
    const done = `${this.#rows.length} of ${frames ?? "…"} frames`;
    const words = {
      idle: "Nothing was compared yet.",
      running: models ? `Comparing: ${done}` : "Loading both models…",
      stopping: "Stopping…",
      ended: complaint ? "" : process.exit_status === 130 ? `Stopped after ${done}.` : `${frames} frames compared.`,
    };
    setText(element("compare-state"), words[process.state]);
  }

  #arrange(fromTheTop) {
    this.#ordered = [...this.#rows].sort(ORDERS[element("order").value]);
    const scrub = element("scrub");
    scrub.max = this.#ordered.length - 1;
    scrub.value = fromTheTop ? 0 : this.#ordered.indexOf(this.#shown);
    this.#turnTo();
  }

  async #turnTo() {
    const place = Number(element("scrub").value);
    const row = this.#ordered[place];
    if (!row) return;
    setText(element("frame-words"), `${place + 1} of ${this.#ordered.length}: ${describe(row)}`);
    element("scrub").setAttribute("aria-valuetext", element("frame-words").textContent);
    this.#shown = row;
    const content = this.#load(row);
    for (const next of this.#ordered.slice(place + 1, place + 4)) this.#load(next);
    const loaded = await content;
    if (this.#shown !== row) return; // one has gone on meanwhile
    this.#content = loaded;
    this.draw();
  }

  #load(row) {
    const content = this.#contents.get(row.frame) ?? this.#fetch(row);
    this.#contents.delete(row.frame); // and to the end: those at the beginning go first
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

  #words(row, place) {
    if (row.hero_pixels > 0) return `IoU ${row.hero_iou[place].toFixed(2)}${row.detected[place] ? "" : ", not seen"}`;
    return row.detected[place] ? "sees a hero where none is" : "rightly sees no hero";
  }

  #askForFolder() {
    element("folder-field").hidden = element("source").value !== FOLDER;
  }

  async #start() {
    const source = element("source").value;
    const body = {
      models: SIDES.map((side) => element(side).value),
      frames: element("frames").valueAsNumber || undefined,
      ...(source === FOLDER ? { data: element("folder").value.trim() } : { recording: source }),
    };
    try {
      await call(`/api/workshop/comparison/${this.#running ? "stop" : "start"}`, this.#running ? {} : body);
      setText(element("compare-complaint"), "");
      await this.refresh();
    } catch (error) {
      setText(element("compare-complaint"), error.message);
    }
  }
}

function describe({ name, hero_pixels: pixels, gain }) {
  const hero = pixels > 0 ? `hero of ${Math.round(pixels)} px` : "no hero";
  const change = Math.abs(gain) < 0.005 ? "as good" : `${gain > 0 ? "gained" : "lost"} ${Math.abs(gain).toFixed(2)}`;
  return `${name} · ${hero} · ${change}`;
}

function table({ title, header, rows }) {
  const made = document.createElement("table");
  made.createCaption().textContent = title;
  const head = made.createTHead().insertRow();
  for (const text of header) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const text of row) line.insertCell().textContent = text;
  }
  const frame = document.createElement("div");
  frame.className = "table";
  frame.append(made);
  return frame;
}
