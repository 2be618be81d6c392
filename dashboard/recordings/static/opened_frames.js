// The labels of the frames that were opened. Those with changes are kept, and the latest of the others: what was saved
// can be undone, too.
import { fetchJson, post } from "../../static/calls.js";
import { Labelling } from "./labelling.js";
import { callAddress } from "./recording.js";

const MAX_KEPT = 10; // frames without changes

export class OpenedFrames {
  #recording;
  #frames = new Map(); // by name; the one that was opened last at the end

  constructor(recording) {
    this.#recording = recording;
  }

  get(frame) {
    return this.#frames.get(frame);
  }

  hasDraft(frame) {
    return Boolean(this.get(frame)?.labels.changed);
  }

  get hasDrafts() {
    return [...this.#frames.keys()].some((frame) => this.hasDraft(frame));
  }

  // Loads the labels of a frame, unless it has changes. Throws an Error.
  async load(frame) {
    const address = callAddress(this.#recording, "labels", frame);
    const about = this.hasDraft(frame) ? null : await fetchJson(address);
    const opened = this.get(frame) ?? new OpenedFrame(address, about);
    if (about && !opened.labels.changed) opened.take(about);
    this.#frames.delete(frame); // and to the end
    this.#frames.set(frame, opened);
    const unchanged = [...this.#frames.keys()].filter((each) => !this.hasDraft(each));
    for (const each of unchanged.slice(0, -MAX_KEPT)) this.#frames.delete(each);
  }
}

class OpenedFrame {
  refused = false; // whether its last change was, for example because it was not made to the labels that are stored
  #address;

  // `about` is what the follower says of a frame's labels.
  constructor(address, about) {
    [this.#address, this.about] = [address, about];
    this.labels = new Labelling(...about.size, about.runs);
  }

  // Shows the labels that are stored; undo brings back those that were shown.
  take(about) {
    this.#store(about, true);
    this.refused = false;
  }

  // Throws an Error.
  async discard() {
    this.take(await fetchJson(this.#address));
  }

  // Both return whether it was done; if not, the reason is shown in `errorNode`.
  save(by, errorNode) {
    return this.#change(this.#address, { runs: this.labels.runs, by }, false, errorNode); // further changes stay
  }

  restore(errorNode) {
    return this.#change(`${this.#address}/restore`, {}, true, errorNode);
  }

  async #change(address, body, shows, errorNode) {
    const answer = await post(address, { ...body, revision: this.about.revision }, errorNode);
    this.refused = !answer;
    if (answer) this.#store(answer, shows);
    return !this.refused;
  }

  #store(about, shows) {
    this.labels.store(about.runs, shows);
    this.about = about;
  }
}
