// The controls of the built-in simulator: its speed, and another episode.
import { element, onSubmit, setText } from "../../static/page.js";
import { act } from "./controls.js";

const PATIENCE = 3000; // ms that a requested speed is shown before the reported one counts again

export class SimulatorControls {
  #simulator = null; // the built-in simulator that is shown, if it is one
  #asked = null; // { speed, until }
  #replaced = null; // the number of the simulator whose next episode will connect

  constructor() {
    const slider = element("speed");
    slider.addEventListener("input", () => this.#ask(Number(slider.value)));
    slider.addEventListener("change", () => this.#send());
    onSubmit("simulator-controls", () => this.#begin());
  }

  show(simulator) {
    this.#simulator = simulator?.info ? simulator : null;
    element("simulator-controls").hidden = !this.#simulator;
    if (!this.#simulator) return;
    const { seed, people, speed } = this.#simulator.info;
    element("seed").placeholder = seed + 1;
    element("seed").title = `This is the city of seed ${seed}`;
    element("people").placeholder = people;
    element("speed-group").hidden = speed === null; // lockstep has none
    if (this.#asked && (this.#asked.speed === speed || performance.now() > this.#asked.until)) this.#asked = null;
    this.#showSpeed(this.#asked?.speed ?? speed);
  }

  // The simulator that came after the one that began another episode: each episode connects anew.
  successor(simulators) {
    if (this.#replaced === null || simulators.some((each) => each.number === this.#replaced)) return null;
    const successor = simulators.find((each) => each.number > this.#replaced);
    if (successor) this.#replaced = null;
    return successor;
  }

  #ask(speed) {
    this.#asked = { speed, until: performance.now() + PATIENCE };
    this.#showSpeed(speed);
  }

  async #send() {
    if (!this.#simulator || !this.#asked) return;
    if (!(await act(`simulators/${this.#simulator.number}/speed`, { speed: this.#asked.speed }))) this.#asked = null;
  }

  async #begin() {
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
