// The connection to the follower: asks for an update when the last one has been drawn, so that a slow viewer gets
// fewer and never a backlog. Reconnects by itself.
import { io } from "../../static/vendor/socket.io.esm.min.js";

const NOTHING = { frame: -1, row: -1, event: -1 };

export class Link {
  #socket;
  #have = { ...NOTHING };
  #simulator = null;
  #depth = false;
  #handlers;

  constructor(handlers) {
    this.#handlers = handlers;
    this.#socket = io("/dashboard", {
      transports: ["websocket"],
      reconnectionDelay: 300,
      reconnectionDelayMax: 2000,
    });
    this.#socket.on("connect", () => {
      this.#have = { ...NOTHING };
      handlers.onChange();
      handlers.onConnection(true);
      this.#ready();
    });
    this.#socket.on("disconnect", () => handlers.onConnection(false));
    this.#socket.on("connect_error", () => handlers.onConnection(false));
    this.#socket.on("update", (update) => this.#receive(update));
    document.addEventListener("visibilitychange", () => this.#ready());
  }

  select(number) {
    if (number === this.#simulator) return;
    this.#switchTo(number);
    this.#ready();
  }

  wantDepth(wanted) {
    this.#depth = wanted;
    this.#have.frame = -1; // the same frame again, with its depth
    this.#ready();
  }

  async #receive(update) {
    if (update.selected !== this.#simulator) {
      if (update.simulators.some((each) => each.number === this.#simulator)) { // sent before the change of simulators
        update = { ...update, selected: this.#simulator, rows: [], frame: null };
      } else {
        this.#switchTo(update.selected);
      }
    }
    if (update.frame) this.#have.frame = update.frame.number;
    if (update.rows.length) this.#have.row = update.rows.at(-1)[0];
    if (update.events.length) this.#have.event = update.events.at(-1).number;
    try {
      await this.#handlers.onUpdate(update);
    } finally {
      this.#ready();
    }
  }

  #switchTo(number) {
    this.#simulator = number;
    this.#have = { ...NOTHING, event: this.#have.event };
    this.#handlers.onChange();
  }

  #ready() {
    if (document.hidden || !this.#socket.connected) return;
    this.#socket.emit("ready", { simulator: this.#simulator, depth: this.#depth, ...this.#have });
  }
}
