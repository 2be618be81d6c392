// The image of one frame: fetches its files and the next ones, draws them with the overlay.
import { fetchBlob } from "../../static/calls.js";
import { chosen, element, setText } from "../../static/page.js";
import { CameraView, readDepth, readMask, remember, whyNot } from "../../static/picture.js";
import { LABEL_SOURCES } from "./frames.js";
import { callAddress } from "./recording.js";

const MAX_CACHED = 60; // decoded frames

export class Screen {
  shown = null; // the frame that is drawn
  busy = false; // another one is being fetched
  #recording;
  #view = new CameraView();
  #fetched;
  #wanted = null;
  #upcoming = [];

  constructor(recording) {
    this.#recording = recording;
    this.forget();
    element("pictures").addEventListener("change", () => {
      if (this.shown) this.show(this.shown);
    });
  }

  forget() { // what was fetched: labels may have changed
    this.#fetched = remember(MAX_CACHED, (frame, kind) => this.#fetch(frame, kind));
  }

  // Draws a frame; of several calls while one is being fetched, the last counts. `upcoming` are fetched ahead.
  async show(frame, upcoming = []) {
    [this.#wanted, this.#upcoming] = [frame, upcoming];
    if (this.busy) return;
    this.busy = true;
    try {
      do {
        frame = this.#wanted;
        const content = this.#load(frame);
        for (const each of this.#upcoming) this.#load(each);
        this.#draw(frame, await content);
      } while (frame !== this.#wanted);
    } finally {
      this.busy = false;
    }
  }

  #draw(frame, { image, mask, problem }) {
    this.shown = frame;
    const size = image && [image.height, image.width];
    const { name, hero, people, source } = frame;
    const counts = { hero, people };
    this.#view.show({ name, title: `Frame ${name}`, frame: { ...frame, size }, image, overlay: mask, counts, problem });
    setText(element("label-source"), image && !mask ? "labels: unreadable" : (LABEL_SOURCES[source] ? `labels: ${LABEL_SOURCES[source]}` : ""));
  }

  #load(frame) {
    const kind = chosen("picture");
    if (kind === "depth" && !frame.depth) return { problem: "No depth image was recorded" };
    return this.#fetched(`${kind} ${frame.name}`, frame, kind).catch((error) => ({ problem: `This image ${whyNot(error)}` }));
  }

  async #fetch(frame, kind) {
    const file = (part, name) => fetchBlob(callAddress(this.#recording, part, name));
    const [image, mask] = await Promise.all([
      kind === "depth"
        ? file("depth", `${frame.name}.png`).then(readDepth)
        : file("images", frame.image).then((blob) => createImageBitmap(blob)),
      file("masks", `${frame.name}.png`).then(readMask).catch((error) => {
        if (error instanceof TypeError) throw error; // else it is missing or damaged, and the image is shown without
        return null;
      }),
    ]);
    return { image, mask };
  }
}
