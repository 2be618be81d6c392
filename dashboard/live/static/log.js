// The log of events, newest first. Whatever a simulator sends is text here, never markup.
import { clockTime, make } from "../../static/page.js";

const MAX_LINES = 300;

export class Log {
  #list;

  constructor(list) {
    this.#list = list;
  }

  add(events) {
    for (const { kind, time, simulator, text } of events) {
      const words = make("span", {}, ...(simulator ? [make("b", {}, simulator), ": "] : []), text);
      const moment = make("time", { dateTime: new Date(1000 * time).toISOString() }, clockTime(time));
      this.#list.prepend(make("li", { dataset: { kind } }, moment, words));
    }
    while (this.#list.childElementCount > MAX_LINES) this.#list.lastElementChild.remove();
  }

  clear() {
    this.#list.replaceChildren();
  }
}
