// A training as it goes: which one, in words, its curves, its pictures, what it says; stop and resume.
import { ask, call } from "../../static/calls.js";
import { duration, element, setText } from "../../static/page.js";
import { fill } from "./choices.js";
import { Curves } from "./curves.js";

const PICTURES = {
  "examples.png": "Frames that are held out, as the network sees them by now: outlined as they are (cyan) and as predicted (yellow)",
  "retrain.png": "Before and after",
  "retrain-gained.png": "Frames gained: before on the left, after on the right",
  "retrain-lost.png": "Frames lost: before on the left, after on the right",
};
const ENDS = { 0: ["done", "Done"], 3: ["done", "Done, no gain"], 130: ["stopped", "Stopped"] };
const SHOWN_LINES = 12; // of what a training that failed said last

export class Training {
  #curves = new Curves(element("curves"));
  #name = null; // the one that is shown
  #picked = false; // by hand; otherwise the newest is shown
  #shown = null; // name and version of the rows that the curves have
  #rows = [];

  constructor() {
    element("chosen").addEventListener("change", () => this.choose(element("chosen").value));
    element("stop").addEventListener("click", () => this.#act("stop"));
    element("resume").addEventListener("click", () => this.#act("resume"));
  }

  draw() {
    this.#curves.draw();
  }

  choose(name) {
    [this.#name, this.#picked] = [name, true];
    return this.refresh();
  }

  // What the list says: which trainings there are, and the one that runs or ran last.
  list(trainings, current) {
    const names = trainings.map((each) => each.name);
    if (current.name && !names.includes(current.name)) names.unshift(current.name);
    if (!this.#picked || !names.includes(this.#name)) this.#name = current.name ?? names[0] ?? null;
    fill(element("chosen"), names);
    element("chosen").value = this.#name ?? "";
    element("chosen").disabled = names.length === 0;
  }

  async refresh() {
    const name = this.#name;
    if (name === null) return;
    const seen = this.#shown?.name === name ? this.#shown.version : "";
    const query = seen ? `?seen=${encodeURIComponent(seen)}` : "";
    const training = await ask(`/api/workshop/trainings/${encodeURIComponent(name)}${query}`);
    if (name !== this.#name) return;
    if (training.rows) {
      this.#rows = training.rows;
      this.#shown = { name, version: training.version };
      this.#curves.show(this.#rows);
    }
    this.#show(training);
  }

  #show(training) {
    const [state, word, detail] = describe(training, this.#rows.length);
    const section = element("training");
    section.dataset.state = state;
    section.dataset.name = training.name;
    setText(element("training-word"), word);
    setText(element("training-detail"), detail);
    element("progress").hidden = (training.done ?? null) === null;
    element("progress").value = training.done ?? 0;
    const process = training.process;
    const running = process && process.state !== "ended" && process.state !== "idle";
    const allowed = !element("train").hidden;
    element("stop").hidden = !running || !allowed;
    element("stop").disabled = process?.state === "stopping";
    element("resume").hidden = running || !training.resumable || !allowed;
    setText(element("training-complaint"), state === "failed" ? (process.lines ?? []).slice(-SHOWN_LINES).join("\n") : "");
    this.#showPictures(training);
    element("said").hidden = !process?.lines?.length;
    if (process?.lines) {
      setText(element("command"), process.command);
      setText(element("lines"), process.lines.join("\n"));
    }
  }

  #showPictures({ name, pictures = {} }) {
    const wanted = Object.entries(pictures).map(
      ([file, made]) => `/api/workshop/trainings/${encodeURIComponent(name)}/${file}?made=${made}`,
    );
    const container = element("training-pictures");
    const shown = [...container.querySelectorAll("img")].map((image) => image.getAttribute("src"));
    if (wanted.join() === shown.join()) return;
    container.replaceChildren(...Object.keys(pictures).map((file, place) => figure(PICTURES[file], wanted[place])));
  }

  async #act(action) {
    try {
      await call(`/api/workshop/trainings/${encodeURIComponent(this.#name)}/${action}`, {});
      setText(element("complaint"), "");
      await this.refresh();
    } catch (error) {
      setText(element("complaint"), error.message);
    }
  }
}

// [state, word, detail]
function describe(training, epochs) {
  const { process, minutes = 0, done, verdict } = training;
  const learnt = `${epochs} epochs in ${duration(60 * minutes)}`;
  if (!process || process.state === "idle") {
    if (!epochs) return ["stopped", "Nothing learnt so far", ""];
    return done >= 1 ? ["done", "Done", [learnt, verdict].filter(Boolean).join(" · ")] : ["stopped", "Not finished", learnt];
  }
  if (process.state === "ended") {
    const [state, word] = ENDS[process.exit_status] ?? ["failed", "Failed"];
    const parts = [epochs ? learnt : "", verdict, state === "stopped" && training.resumable ? "it can be resumed" : ""];
    return [state, word, parts.filter(Boolean).join(" · ")];
  }
  if (process.state === "stopping") return ["running", "Stopping…", "after what it is at"];
  if (!epochs) return ["running", "Getting ready", `reading frames and building the network, for ${since(process.began)}`];
  const pace = `epoch ${epochs} · ${training.images_per_second?.toFixed(1) ?? "–"} images/s`;
  if (done >= 1) return ["running", "Measuring", `what was learnt in ${duration(60 * minutes)}`];
  return ["running", "Training", training.left === null ? pace : `${pace} · ${duration(training.left)} of learning left`];
}

function since(began) {
  return duration(Date.now() / 1000 - began);
}

function figure(words, source) {
  const made = document.createElement("figure");
  const caption = document.createElement("figcaption");
  caption.textContent = words;
  const image = document.createElement("img");
  [image.src, image.alt] = [source, words];
  made.append(caption, image);
  return made;
}
