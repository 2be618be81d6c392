// Plays a recording, and moves by single frames.
import { element, setText } from "../../static/page.js";

const PREFETCHED = [1, 2, 3, 4]; // steps ahead whose images are fetched in advance

export class Playback {
  keys = {
    " ": () => this.#play(!this.#playing),
    ArrowLeft: ({ shiftKey }) => this.#step(shiftKey ? -10 : -1),
    ArrowRight: ({ shiftKey }) => this.#step(shiftKey ? 10 : 1),
    Home: () => this.#step(-this.#frames.all.length),
    End: () => this.#step(this.#frames.all.length),
  };
  #frames;
  #screen;
  #seek;
  #playing = null; // { start: milliseconds, from: seconds of playing time }

  constructor(frames, screen, seek) {
    [this.#frames, this.#screen, this.#seek] = [frames, screen, seek];
    element("play").addEventListener("click", () => this.#play(!this.#playing));
    element("back").addEventListener("click", () => this.#step(-1));
    element("forward").addEventListener("click", () => this.#step(1));
    element("speed").addEventListener("change", () => this.#play(Boolean(this.#playing))); // from here at the new speed
  }

  #play(wanted) {
    const { all, shown } = this.#frames;
    if (wanted && shown === all.length - 1) this.#seek(0);
    const running = this.#playing;
    this.#playing = wanted && all.length ? { start: performance.now(), from: all[this.#frames.shown].time } : null;
    element("play").ariaPressed = Boolean(this.#playing);
    setText(element("play"), this.#playing ? "Pause" : "Play");
    if (this.#playing && !running) requestAnimationFrame(this.#tick);
  }

  #tick = (now) => {
    if (!this.#playing) return;
    const { start, from } = this.#playing;
    const { all, shown } = this.#frames;
    const due = this.#frames.at(from + (Math.max(now - start, 0) / 1000) * element("speed").value);
    if (due > shown && !this.#screen.busy) { // frames that are too fast for the connection or the browser are skipped
      const stride = 2 ** Math.floor(Math.log2(due - shown)); // a power of 2, so that the right images were fetched
      const next = Math.max(due - (due % stride), shown + 1);
      this.#seek(next, PREFETCHED.map((count) => all[next + count * stride]).filter(Boolean));
    }
    if (due < all.length - 1 || this.#screen.busy) return requestAnimationFrame(this.#tick);
    this.#seek(due);
    this.#play(false);
  };

  #step(count) {
    this.#play(false);
    this.#seek(this.#frames.shown + count);
  }
}
