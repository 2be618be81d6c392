// A range of frames, to hide from training or to restore. Without one, the frame that is shown is meant.
import { call } from "../../static/calls.js";
import { element, setText } from "../../static/page.js";
import { callAddress } from "./recording.js";

export class Selection {
  hidden = new Set(); // names of the hidden frames
  range = null; // [first, last], indices
  keys = {
    i: () => this.set([this.#frames.shown, Math.max(this.#indices()[1], this.#frames.shown)]),
    o: () => this.set([Math.min(this.#indices()[0], this.#frames.shown), this.#frames.shown]),
    Escape: () => this.set(null),
  };
  #recording;
  #frames;
  #onChange;

  constructor(recording, frames, onChange) {
    [this.#recording, this.#frames, this.#onChange] = [recording, frames, onChange];
    element("begin").addEventListener("click", this.keys.i);
    element("end").addEventListener("click", this.keys.o);
    element("clear").addEventListener("click", this.keys.Escape);
    for (const id of ["hide", "restore"]) element(id).addEventListener("click", () => this.#change(id));
  }

  set(range) {
    this.range = range;
    this.#onChange();
  }

  get name() {
    if (!this.range) return "this frame";
    const [first, last] = this.#names();
    return first === last ? `frame ${first}` : `frames ${first} to ${last} (${this.range[1] - this.range[0] + 1})`;
  }

  // As HTTP calls take it; null without a range.
  get expression() {
    return this.range && this.#names().join("-");
  }

  show() {
    element("clear").hidden = !this.range;
    setText(element("selection"), this.name);
    const [first, last] = this.#indices();
    const hidden = this.#frames.all.slice(first, last + 1).filter((frame) => this.hidden.has(frame.name)).length;
    element("hide").disabled = hidden === last - first + 1;
    element("restore").disabled = hidden === 0;
  }

  #indices() {
    return this.range ?? [this.#frames.shown, this.#frames.shown];
  }

  #names() {
    return this.#indices().map((index) => this.#frames.all[index].name);
  }

  async #change(action) {
    const body = { frames: [this.#names().join("-")] };
    const answer = await call(callAddress(this.#recording, action), body, element("control-error"));
    if (answer) this.hidden = new Set(answer.hidden);
    this.#onChange();
  }
}
