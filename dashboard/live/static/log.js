// The log of events, newest first. Whatever comes from a simulator is text here, never markup.
const MOST_LINES = 300;
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export class Log {
  #list;

  constructor(list) {
    this.#list = list;
  }

  add(events) {
    for (const event of events) {
      const line = document.createElement("li");
      line.dataset.kind = event.kind;
      const time = document.createElement("time");
      const moment = new Date(1000 * event.time);
      time.dateTime = moment.toISOString();
      time.textContent = clock.format(moment);
      const text = document.createElement("span");
      if (event.simulator) {
        const who = document.createElement("b");
        who.textContent = event.simulator;
        text.append(who, ": ");
      }
      text.append(event.text);
      line.append(time, text);
      this.#list.prepend(line);
    }
    while (this.#list.childElementCount > MOST_LINES) this.#list.lastElementChild.remove();
  }

  clear() {
    this.#list.replaceChildren();
  }
}
