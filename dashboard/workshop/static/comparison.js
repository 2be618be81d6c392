// The comparison of two models: its form, its progress, and the tables.
import { ask, call } from "../../static/calls.js";
import { element, make, onSubmit, setText } from "../../static/page.js";
import { fill } from "./choices.js";
import { ComparedFrames, SIDES } from "./compared_frames.js";

const FOLDER = "/"; // the choice of a folder to be typed; no recording has this name

export class Comparison {
  #frames = new ComparedFrames();
  #running = false;

  constructor() {
    onSubmit("comparing", () => this.#startOrStop());
  }

  list(models, recordings) {
    for (const side of SIDES) fill(element(side), models);
    if (models.length > 1 && element("first").value === element("second").value) element("second").value = models[1];
    const names = [...recordings.map((each) => each.name), FOLDER];
    fill(element("source"), names, (name) => (name === FOLDER ? "a folder…" : name));
  }

  async refresh() {
    const answer = await ask(`/api/workshop/comparison?from=${this.#frames.count}`);
    if (answer.process.number !== this.#frames.number) {
      this.#frames.clear(answer.process.number);
      element("tables").replaceChildren();
      return this.refresh();
    }
    this.#running = !["ended", "idle"].includes(answer.process.state);
    setText(element("compare-button"), this.#running ? "Stop" : "Compare");
    this.#frames.add(answer.rows);
    this.#showProcess(answer);
    SIDES.forEach((side, i) => setText(element(`${side}-name`), answer.models?.[i] ?? ""));
    if (answer.tables && !element("tables").children.length) element("tables").append(...answer.tables.map(makeTable));
  }

  #showProcess({ process, frames, models }) {
    const failed = process.state === "ended" && process.exit_status !== 0 && process.exit_status !== 130;
    setText(element("compare-complaint"), failed ? (process.lines ?? ["It failed."]).join("\n") : "");
    const done = `${this.#frames.count} of ${frames ?? "…"} frames`;
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
    if (await call(`/api/workshop/comparison/${path}`, body, element("compare-complaint"))) await this.refresh();
  }
}

function makeTable({ title, header, rows }) {
  const table = make("table", {}, make("caption", {}, title));
  table.createTHead().append(make("tr", {}, ...header.map((text) => make("th", { scope: "col" }, text))));
  table.createTBody().append(...rows.map((row) => make("tr", {}, ...row.map((text) => make("td", {}, text)))));
  return make("div", { className: "table" }, table);
}
