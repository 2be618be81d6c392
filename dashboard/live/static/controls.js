// The controls of the flight and of the built-in simulator: each is one HTTP call, described in docs/reference/http.md.
import { post, setUpUnlocking } from "../../static/calls.js";
import { element, onSubmit, setText } from "../../static/page.js";

const SPEED_TIMEOUT = 3000; // milliseconds for which the requested speed is shown instead of the reported one

export class Controls {
  checkAuthorisation = setUpUnlocking([element("control-set")], element("control-error"));
  #simulator = null; // the one that is shown
  #recording = null;
  #requested = null; // { speed, until }
  #difficulty = null; // of the episode that is shown
  #replaced = null; // number of the simulator whose next episode will connect
  #highest = 0; // of all simulators while that one was still there

  constructor() {
    element("pause").addEventListener("click", () => this.#onSimulator("pause", { paused: !this.#simulator.paused }));
    element("drop-target").addEventListener("click", () => this.#onSimulator("drop-target", {}));
    onSubmit("mark", async () => {
      if (await act("mark", { note: element("note").value })) element("note").value = "";
    });
    onSubmit("record", () => this.#record());
    element("speed").addEventListener("input", () => {
      this.#requested = { speed: element("speed").valueAsNumber, until: performance.now() + SPEED_TIMEOUT };
      this.#showSpeed(this.#requested.speed);
    });
    element("speed").addEventListener("change", () => this.#sendSpeed());
    onSubmit("simulator-controls", () => this.#startEpisode());
  }

  show(simulator = null, recording) {
    [this.#simulator, this.#recording] = [simulator, recording];
    element("pause").disabled = element("drop-target").disabled = !simulator;
    const paused = Boolean(simulator?.paused);
    element("pause").ariaPressed = paused;
    setText(element("pause"), paused ? "Resume commands" : "Pause commands");
    this.#showRecording(recording);
    element("simulator-controls").hidden = !simulator?.info;
    if (simulator?.info) this.#showInfo(simulator.info);
  }

  // The simulator that replaces the one whose new episode was requested: each episode opens a connection of its own.
  successor(simulators) {
    if (this.#replaced === null || simulators.some((each) => each.number === this.#replaced)) {
      this.#highest = Math.max(0, ...simulators.map((each) => each.number));
      return null;
    }
    const successor = simulators.find((each) => each.number > this.#highest);
    if (successor) this.#replaced = null;
    return successor;
  }

  #showRecording({ recording, name, megabytes }) {
    element("controls").dataset.recording = recording;
    for (const field of ["recording-name", "recording-filter"]) element(field).hidden = recording;
    setText(element("record-button"), recording ? "Stop recording" : "Record");
    setText(element("record-state"), recording ? `${name}: ${megabytes} MB` : "");
  }

  #showInfo({ seed, people, difficulty, difficulties, speed }) {
    element("seed").placeholder = seed + 1;
    element("seed").title = `The seed of this city is ${seed}`;
    element("people").placeholder = people;
    this.#showDifficulty(difficulty, difficulties);
    element("speed-group").hidden = speed === null; // in lockstep
    if (this.#requested?.speed === speed || performance.now() > this.#requested?.until) this.#requested = null;
    this.#showSpeed(this.#requested?.speed ?? speed);
  }

  // A choice for the next episode stays until that has begun.
  #showDifficulty(difficulty, difficulties) {
    const select = element("difficulty");
    if (select.options.length !== difficulties.length) {
      select.replaceChildren(...difficulties.map((name) => new Option(name)));
      this.#difficulty = null;
    }
    if (this.#difficulty !== difficulty) select.value = this.#difficulty = difficulty;
    select.title = `The difficulty of this episode is ${difficulty}`;
  }

  #showSpeed(speed) {
    if (speed === null) return;
    element("speed").value = speed;
    setText(element("speed-value"), `${speed}×`);
  }

  async #record() {
    if (this.#recording.recording) return act("recording/stop", {});
    const filter = JSON.parse(element("recording-filter").value); // null: as in the settings
    const request = { name: element("recording-name").value.trim(), filter };
    if (await act("recording/start", request)) element("recording-name").value = "";
  }

  async #sendSpeed() {
    if (this.#requested && !(await this.#onSimulator("speed", { speed: this.#requested.speed }))) this.#requested = null;
  }

  async #startEpisode() {
    const fields = [element("seed"), element("people")].filter((field) => field.value);
    const { number } = this.#simulator;
    const body = Object.fromEntries(fields.map((field) => [field.id, field.valueAsNumber]));
    body.difficulty = element("difficulty").value;
    if (!(await this.#onSimulator("new-episode", body))) return;
    this.#replaced = number;
    element("seed").value = "";
  }

  #onSimulator(action, body) {
    return this.#simulator && act(`simulators/${this.#simulator.number}/${action}`, body);
  }
}

// Returns whether the call succeeded, and shows why if not.
async function act(path, body) {
  return (await post(`/api/${path}`, body, element("control-error"))) !== null;
}
