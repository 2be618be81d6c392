// Controls of the built-in simulator: its speed, and another episode.
import { element, onSubmit, setText } from "../../static/page.js";
import { act } from "./controls.js";

const PATIENCE = 3000; // milliseconds in which the requested speed is shown instead of the reported one

export class SimulatorControls {
  #simulator = null; // the one that is shown, if it is the built-in one
  #requested = null; // { speed, until }
  #replaced = null; // number of the simulator whose next episode will connect

  constructor() {
    const slider = element("speed");
    slider.addEventListener("input", () => this.#request(Number(slider.value)));
    slider.addEventListener("change", () => this.#send());
    onSubmit("simulator-controls", () => this.#startEpisode());
  }

  show(simulator) {
    this.#simulator = simulator?.info ? simulator : null;
    element("simulator-controls").hidden = !this.#simulator;
    if (!this.#simulator) return;
    const { seed, people, speed } = this.#simulator.info;
    element("seed").placeholder = seed + 1;
    element("seed").title = `The seed of this city is ${seed}`;
    element("people").placeholder = people;
    element("speed-group").hidden = speed === null; // in lockstep
    if (this.#requested?.speed === speed || performance.now() > this.#requested?.until) this.#requested = null;
    this.#showSpeed(this.#requested?.speed ?? speed);
  }

  // The simulator that connected after the one that was asked for another episode: each episode connects anew.
  successor(simulators) {
    if (this.#replaced === null || simulators.some((each) => each.number === this.#replaced)) return null;
    const successor = simulators.find((each) => each.number > this.#replaced);
    if (successor) this.#replaced = null;
    return successor;
  }

  #request(speed) {
    this.#requested = { speed, until: performance.now() + PATIENCE };
    this.#showSpeed(speed);
  }

  async #send() {
    if (!this.#simulator || !this.#requested) return;
    const { speed } = this.#requested;
    if (!(await act(`simulators/${this.#simulator.number}/speed`, { speed }))) this.#requested = null;
  }

  async #startEpisode() {
    const body = {};
    for (const name of ["seed", "people"]) {
      if (element(name).value) body[name] = element(name).valueAsNumber;
    }
    const { number } = this.#simulator;
    if (!(await act(`simulators/${number}/new-episode`, body))) return;
    this.#replaced = number;
    element("seed").value = "";
  }

  #showSpeed(speed) {
    if (speed === null) return;
    element("speed").value = speed;
    setText(element("speed-value"), `${speed}×`);
  }
}
