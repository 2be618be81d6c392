// A range of frames, to hide from training or to restore. Without one, the frame that is shown is meant.
import { tryCall } from "../../static/calls.js";
import { element, setText } from "../../static/page.js";
import { callAddress } from "./recording.js";

export class Selection {
  at = 0; // index of the frame that is shown
  hidden = new Set(); // names of the hidden frames
  range = null; // [first, last], indices
  keys = {
    i: () => this.#begin(),
    o: () => this.#end(),
    Escape: () => this.set(null),
  };
  #recording;
  #frames;
  #onChange;

  constructor(recording, frames, onChange) {
    [this.#recording, this.#frames, this.#onChange] = [recording, frames, onChange];
    element("begin").addEventListener("click", () => this.#begin());
    element("end").addEventListener("click", () => this.#end());
    element("clear").addEventListener("click", () => this.set(null));
    element("hide").addEventListener("click", () => this.#change("hide"));
    element("restore").addEventListener("click", () => this.#change("restore"));
  }

  set(range) {
    this.range = range;
    this.#onChange();
  }

  get name() {
    if (!this.range) return "this frame";
    const [first, last] = this.#names();
    if (first === last) return `frame ${first}`;
    return `frames ${first} to ${last} (${this.range[1] - this.range[0] + 1})`;
  }

  // As HTTP calls take it; null without a range.
  get expression() {
    return this.range && this.#names().join("-");
  }

  show() {
    element("clear").hidden = !this.range;
    setText(element("selection"), this.name);
    const [first, last] = this.range ?? [this.at, this.at];
    const hidden = this.#frames.all.slice(first, last + 1).filter((frame) => this.hidden.has(frame.name)).length;
    element("hide").disabled = hidden === last - first + 1;
    element("restore").disabled = hidden === 0;
  }

  #names() {
    return (this.range ?? [this.at, this.at]).map((index) => this.#frames.all[index].name);
  }

  #begin() {
    this.set([this.at, Math.max(this.range?.[1] ?? this.at, this.at)]);
  }

  #end() {
    this.set([Math.min(this.range?.[0] ?? this.at, this.at), this.at]);
  }

  async #change(action) {
    const body = { frames: [this.#names().join("-")] };
    const answer = await tryCall(callAddress(this.#recording, action), body, element("control-error"));
    if (answer) this.hidden = new Set(answer.hidden);
    this.#onChange();
  }
}
