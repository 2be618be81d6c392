// The log of events, newest first. Whatever a simulator sends is text here, never markup.
import { clockTime, element, make } from "../../static/page.js";

const MAX_LINES = 300;

export function logEvents(events) {
  const list = element("log-lines");
  for (const { kind, time, simulator, text } of events) {
    const words = make("span", {}, ...(simulator ? [make("b", {}, simulator), ": "] : []), text);
    const moment = make("time", { dateTime: new Date(1000 * time).toISOString() }, clockTime(time));
    list.prepend(make("li", { dataset: { kind } }, moment, words));
  }
  while (list.childElementCount > MAX_LINES) list.lastElementChild.remove();
}
