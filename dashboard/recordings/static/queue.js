// The list of suspicious frames, the most useful first, and which of them are done.
import { element, make, setText } from "../../static/page.js";

const MAX_LISTED = 300;

export class Queue {
  #suspects = []; // { frame, priority, reasons }
  #known = false; // whether the follower has said which are suspicious: it takes a moment
  #done = new Set(); // names of frames
  #onOpen;

  constructor(onOpen) {
    this.#onOpen = onOpen;
  }

  get first() {
    return this.#suspects[0]?.frame;
  }

  set(suspects) {
    [this.#suspects, this.#known] = [suspects, true];
    element("suspects").replaceChildren(...suspects.slice(0, MAX_LISTED).map((each) => this.#item(each)));
  }

  mark(frame, done) {
    this.#done[done ? "add" : "delete"](frame);
  }

  reasons(frame) {
    return this.#suspects.find((each) => each.frame === frame)?.reasons.join("; ") ?? "";
  }

  // The next one after a frame, or with -1 the one before it, that is not done.
  next(frame, step) {
    const place = this.#suspects.findIndex((each) => each.frame === frame);
    const rest = step > 0 ? this.#suspects.slice(place + 1) : this.#suspects.slice(0, Math.max(place, 0)).reverse();
    return rest.find((each) => !this.#done.has(each.frame))?.frame;
  }

  // `hasDraft` returns whether a frame has changes that are not saved.
  show(shown, hasDraft) {
    const left = this.#suspects.filter(({ frame }) => !this.#done.has(frame)).length;
    setText(element("count"), this.#known ? `${left}` : "");
    for (const item of element("suspects").children) {
      const { frame } = item.dataset;
      item.dataset.done = this.#done.has(frame);
      item.firstElementChild.ariaCurrent = frame === shown;
      setText(item.querySelector(".draft"), hasDraft(frame) ? "unsaved" : "");
    }
  }

  #item({ frame, priority, reasons }) {
    const button = make("button", { type: "button" },
      make("span", {}, frame), make("meter", { value: priority, title: `priority ${priority.toFixed(2)}` }),
      make("span", { className: "draft" }), make("span", { className: "why" }, reasons.join("; ")));
    button.addEventListener("click", () => this.#onOpen(frame));
    return make("li", { dataset: { frame } }, button);
  }
}
